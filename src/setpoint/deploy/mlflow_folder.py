"""A folder that MLflow wrote: the model file in it, and what its MLmodel file says of the inputs.

The file is read as data; nothing of MLflow is imported, and none of the code a folder may carry runs.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from setpoint.deploy.importers import Signature
from setpoint.domain.value import field, replace, value
from setpoint.errors import InvalidInput

MLMODEL = "MLmodel"
MOST_BYTES = 16 * 2**20  # of MLmodel and of an input example
# flavours in the order they are taken, and the key that names their file
FLAVOURS = {
    "sklearn": "pickled_model",
    "keras": "data",
    "tensorflow": "data",
    "lightgbm": "data",
    "xgboost": "data",
    "catboost": "data",
    "pytorch": "model_data",
    "onnx": "data",
}
INNER = ("model.keras", "model.h5", "model.pth", "model.pt2", "saved_model.pb")  # in a folder that a flavour names


@value
class Logged:
    """What a model file was kept with: the inputs its signature names, and an example of rows, by column."""

    names: tuple[str, ...] = ()
    example: dict[str, tuple[Any, ...]] = field(default_factory=dict)


NOT_LOGGED = Logged()


def opened(artifact: Path) -> tuple[Path, Logged]:
    """Return the model file or folder itself, and what MLflow kept with it: nothing, unless MLflow wrote the folder.

    Raises
    ------
    InvalidInput
        If it is none, names a file that is not there or outside the artifact, or has no flavour that Setpoint serves.
    """
    if not (artifact / MLMODEL).is_file():
        return artifact, NOT_LOGGED
    said = _yaml(artifact / MLMODEL)
    flavours = said.get("flavors")
    if not isinstance(flavours, dict):
        raise InvalidInput(f"{artifact / MLMODEL} names no `flavors`; it is not what MLflow writes")
    flavour = next((f for f in FLAVOURS if isinstance(flavours.get(f), dict)), None)
    if flavour is None:
        raise InvalidInput(
            f"{artifact} has the flavours {', '.join(map(str, flavours))}, and Setpoint serves {', '.join(FLAVOURS)}. "
            "A Python model is code that MLflow pickled: save its class as a file and write `artifact: model.py:Class`"
        )
    inner = _inner(artifact, flavour, flavours[flavour].get(FLAVOURS[flavour]))
    return inner, Logged(names=_names(said, artifact), example=_example(said, artifact))


def with_names(said: Signature, logged: Logged) -> Signature:
    """Return what the model says of itself, with the names MLflow kept where it has none of its own."""
    fits = said.names is None and said.width in (None, len(logged.names))
    return replace(said, names=logged.names) if fits and logged.names else said


def _inner(folder: Path, flavour: str, name: object) -> Path:
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{folder / MLMODEL}: flavour {flavour} has no `{FLAVOURS[flavour]}`, the name of its file")
    path = _inside(folder, name)
    if not path.is_dir():
        return path
    found = next((path / inner for inner in INNER if (path / inner).exists()), None)
    if found is None:
        raise InvalidInput(f"{path} holds none of {', '.join(INNER)}; it is not what MLflow writes for {flavour}")
    return path if found.name == "saved_model.pb" else found


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"{folder / MLMODEL} names {name!r}, which lies outside its folder")
    if not path.exists():
        raise InvalidInput(f"{folder / MLMODEL} names {name!r}, and there is no such file in its folder")
    return path


def _names(said: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Return the names of the inputs, where the signature has one for each column."""
    signature = said.get("signature")
    text = signature.get("inputs") if isinstance(signature, dict) else None
    columns = _json(text, folder / MLMODEL) if isinstance(text, str) else []
    if not isinstance(columns, list) or not all(isinstance(c, dict) and "name" in c for c in columns):
        return ()
    return tuple(str(c["name"]) for c in columns)


def _example(said: Mapping[str, Any], folder: Path) -> dict[str, tuple[Any, ...]]:
    info = said.get("saved_input_example_info")
    if not isinstance(info, dict) or info.get("pandas_orient") != "split":
        return {}
    path = _inside(folder, str(info.get("artifact_path", "")))
    if path.stat().st_size > MOST_BYTES:
        return {}
    table = _json(path.read_text(), path)
    if not isinstance(table, dict) or not isinstance(table.get("columns"), list):
        return {}
    return dict(zip(map(str, table["columns"]), zip(*table.get("data", []), strict=True), strict=False))


def _yaml(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > MOST_BYTES:
        raise InvalidInput(f"{path} has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
    try:
        said = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as e:
        raise InvalidInput(f"{path} is not valid YAML: {e}") from e
    if not isinstance(said, dict):
        raise InvalidInput(f"{path} holds no keys and values; it is not what MLflow writes")
    return said


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as e:
        raise InvalidInput(f"{path} holds broken JSON: {e}") from e
