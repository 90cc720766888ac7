"""Answer the rows of a .csv or .json file (a list of objects), one answer a line: python predict.py FILE."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


def number(cell: Any) -> float:
    return float({"": "nan", "none": "nan", "true": "1", "false": "0"}.get(str(cell).lower(), str(cell)))


def tensor(rows: list[dict[str, Any]], asked: dict[str, Any]) -> Any:
    if asked["dtype"] == "string":
        cells = [["" if row[name] is None else str(row[name]) for name in asked["features"]] for row in rows]
        return np.array(cells, object).reshape(-1, *asked["shape"])
    numbers = np.array([[number(row[name]) for name in asked["features"]] for row in rows])
    return numbers.astype(asked["dtype"]).reshape(-1, *asked["shape"])


def answer(scores: list[float], classes: list[Any], threshold: float) -> list[Any]:
    if len(classes) > 2:
        return [classes[scores.index(max(scores))], max(scores), *scores]
    return [*([classes[scores[-1] > threshold]] if classes else []), scores[-1]]


def predict(rows: list[dict[str, Any]], folder: Path = Path(__file__).parent) -> list[dict[str, Any]]:
    said = json.loads((folder / "signature.json").read_text())
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (raw,) = session.run([said["output"]], {i["name"]: tensor(rows, i) for i in said["inputs"]})
    answers = [answer(s, said["classes"], said["threshold"]) for s in raw.reshape(len(rows), -1).astype(float).tolist()]
    return [dict(zip(said["answers"], a, strict=False)) for a in answers]


if __name__ == "__main__":
    with Path(sys.argv[1]).open(newline="") as file:
        given = json.load(file) if sys.argv[1].endswith(".json") else list(csv.DictReader(file))
    sys.stdout.writelines(json.dumps(answer) + "\n" for answer in predict(given))
