"""Directories of MLflow and Transformers that bring code."""

import json
import pickle
from pathlib import Path

from tests.malicious import attack
from tests.malicious.pickled import pickled, python, system


def mlmodel(folder: Path, text: str) -> str:
    (folder / "MLmodel").write_text(text)
    return "."


@attack("MLmodel", "'evil_loader'")
def mlflow_loader(folder: Path, marker: Path) -> str:
    pickled(folder, [1.0])
    (folder / "evil_loader.py").write_text(python(marker))
    return mlmodel(
        folder,
        "flavors:\n  sklearn: {pickled_model: model.pkl}\n  python_function: {loader_module: evil_loader}\n",
    )


@attack("MLmodel", "'code'")
def mlflow_code(folder: Path, marker: Path) -> str:
    pickled(folder, [1.0])
    (folder / "code").mkdir()
    (folder / "code" / "sitecustomize.py").write_text(python(marker))
    return mlmodel(folder, "flavors:\n  sklearn: {pickled_model: model.pkl, code: code}\n")


@attack("model.pkl", "posix.system")
def mlflow_pickle(folder: Path, marker: Path) -> str:
    pickled(folder, system(marker))
    return mlmodel(folder, "flavors:\n  sklearn: {pickled_model: model.pkl}\n")


@attack("MLmodel", "is not what MLflow writes")
def mlflow_yaml_object(folder: Path, marker: Path) -> str:
    return mlmodel(folder, f"flavors: !!python/object/apply:os.system ['touch {marker}']\n")


def transformer(folder: Path, **config: object) -> str:
    home = folder / "model"
    home.mkdir()
    (home / "config.json").write_text(json.dumps({"model_type": "bert", **config}))
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (home / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    return "model"


@attack("config.json", "auto_map")
def transformers_auto_map(folder: Path, marker: Path) -> str:
    return transformer(folder, auto_map={"AutoModel": "modeling.Evil"})


@attack("modeling.py")
def transformers_code(folder: Path, marker: Path) -> str:
    place = transformer(folder)
    (folder / place / "modeling.py").write_text(python(marker))
    return place


@attack("pytorch_model.bin", "safe_serialization=True")
def transformers_pickle(folder: Path, marker: Path) -> str:
    place = transformer(folder)
    (folder / place / "pytorch_model.bin").write_bytes(pickle.dumps(system(marker)))
    return place


@attack("'w'", "impossible shape")
def safetensors_absurd(folder: Path, marker: Path) -> str:
    place = transformer(folder)
    header = json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}).encode()
    (folder / place / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    return place
