"""Fine-tune a Keras model year after year on gas_turbine (NOX), and see what it learns and what it forgets.

A small network learns 2011. Each later year it is trained on, by the trainer that the loop uses, on the first four
fifths of the year; the last fifth, and the last fifth of 2011, are never learnt. Beside it: never trained again;
continued without old rows (what is forgotten when nothing is rehearsed); fresh weights on all rows so far.
Prints MAE (mg/m3) and seconds a training, means over seeds, and writes results/forgetting.json beside this file.

    python bench/update/forgetting.py [--data FOLDER] [--seeds 3]
"""

import argparse
import contextlib
import io
import json
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "0"}

import keras
import numpy as np
import pandas as pd
import pyarrow as pa

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.update import Method
from setpoint.update.trainers import trainer_for
from setpoint.update.trainers.request import FitRequest, Report

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "datasets"
NAMES = ("AT", "AP", "AH", "AFDP", "GTEP", "TIT", "TAT", "TEY", "CDP")
SCHEMA = Schema(
    features=tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in NAMES),
    target="NOX", task=Task.REGRESSION,
)  # fmt: skip
LEARNT = 0.8
YEARS = (2012, 2013, 2014, 2015)
WAYS = ("never", "continue", "no old rows", "refit")


@dataclass
class Year:
    """Rows of a year: those that may be learnt, and the later ones that never are."""

    learnt: pd.DataFrame
    kept: pd.DataFrame


def years(folder: Path) -> dict[int, Year]:
    file = next(folder.rglob("gas_turbine.*"))
    table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    table = table.sort_values(["year", "hour_seq"])[["year", *NAMES, "NOX"]]
    found = {}
    for year, rows in table.groupby("year"):
        cut = round(LEARNT * len(rows))
        found[int(year)] = Year(rows.iloc[:cut].drop(columns="year"), rows.iloc[cut:].drop(columns="year"))
    return found


def first(rows: pd.DataFrame, seed: int, path: Path) -> Path:
    """Train the network on the first year."""
    keras.utils.set_random_seed(seed)
    scale = keras.layers.Normalization()
    scale.adapt(rows[list(NAMES)].to_numpy(np.float32))
    level = keras.initializers.Constant(float(rows["NOX"].mean()))
    model = keras.Sequential([
        keras.Input((len(NAMES),)), scale, keras.layers.Dense(32, "relu"), keras.layers.Dense(32, "relu"),
        keras.layers.Dense(1, bias_initializer=level),
    ])  # fmt: skip
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mean_absolute_error")
    stop = keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
    X, y = rows[list(NAMES)].to_numpy(np.float32), rows["NOX"].to_numpy()
    model.fit(X, y, validation_split=0.1, epochs=200, batch_size=256, callbacks=[stop], verbose=0)
    model.save(path)
    return path


def mae(path: Path, rows: pd.DataFrame) -> float:
    model = keras.saving.load_model(path, compile=False)
    answers = np.asarray(model(rows[list(NAMES)].to_numpy(np.float32)))[:, 0]
    return float(np.abs(answers - rows["NOX"].to_numpy()).mean())


def trained(way: str, champion: Path, old: pd.DataFrame, new: pd.DataFrame, seed: int, work: Path) -> dict[str, float]:
    """Train by one way; return seconds, and what the trainer itself measured."""
    work.mkdir()
    rows = new if way == "no old rows" else pd.concat([old, new])
    report = Report()
    method = Method.REFIT if way == "refit" else Method.CONTINUE
    request = FitRequest(
        artifact=champion, table=pa.Table.from_pandas(rows, preserve_index=False), schema=SCHEMA, workdir=work,
        method=method, seed=seed, new_rows=len(new), report=report,
    )  # fmt: skip
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        trainer_for(champion, method)(request)
    return {"seconds": time.perf_counter() - started, **report.measures}


def one_seed(data: dict[int, Year], seed: int, folder: Path) -> list[dict[str, object]]:
    """Go through the years by every way, each from the champion it made itself."""
    start = first(data[2011].learnt, seed, folder / "m.keras")
    champions, lines = dict.fromkeys(WAYS, start), []
    for year in YEARS:
        old = pd.concat([data[y].learnt for y in data if y < year])
        for way in WAYS:
            before, found = champions[way], {}
            if way != "never":
                work = folder / f"{way} {year}"
                found = trained(way, before, old, data[year].learnt, seed, work)
                champions[way] = work / "m.keras"
            line = {
                "seed": seed, "year": year, "way": way,
                "new_before": mae(before, data[year].kept), "new_after": mae(champions[way], data[year].kept),
                "old_before": mae(before, data[2011].kept), "old_after": mae(champions[way], data[2011].kept), **found,
            }  # fmt: skip
            lines.append(line)
    return lines


def table(lines: list[dict[str, object]]) -> str:
    frame = pd.DataFrame(lines)
    shown = ["new_before", "new_after", "old_before", "old_after", "seconds"]
    each = frame.groupby(["year", "way"], sort=False)[shown].mean()
    spread = frame[frame.year == YEARS[-1]].groupby("way", sort=False)[["new_after", "old_after"]].agg(["min", "max"])
    return f"{each.round(2).to_string()}\n\nspread over seeds after {YEARS[-1]}:\n{spread.round(2).to_string()}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, default=DATA)
    asked.add_argument("--seeds", type=int, default=3)
    given = asked.parse_args()
    data, lines = years(given.data), list[dict[str, object]]()
    for seed in range(given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            lines += one_seed(data, seed, Path(folder))
        print(f"seed {seed} done", flush=True)
    print(f"\nMAE of NOX in mg/m3; keras {keras.__version__}, {platform.processor() or platform.machine()}")
    print(table(lines))
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "forgetting.json").write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
