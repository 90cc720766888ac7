"""One small file a framework: what a model file says of itself, and how it becomes ONNX."""

import difflib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from setpoint.deploy.importers._base import Importer, Signature
from setpoint.deploy.importers._json import framework_of_json
from setpoint.domain.artifact import artifact_of
from setpoint.errors import InvalidInput, SetpointError, Unusable
from setpoint.sandbox.guard import hint

__all__ = ["Importer", "Signature", "framework_of", "importer_for", "load"]

# a framework is a module of this folder
SUFFIXES = {
    ".joblib": "sklearn",
    ".pkl": "sklearn",
    ".pickle": "sklearn",
    ".skops": "sklearn",
    ".keras": "keras",
    ".h5": "keras",
    ".hdf5": "keras",
    ".onnx": "onnx",
    ".pt2": "torch",
    ".pt": "torch",
    ".pth": "torch",
    ".ts": "torch",
    ".txt": "lightgbm",
    ".lgb": "lightgbm",
    ".ubj": "xgboost",
    ".xgb": "xgboost",
    ".cbm": "catboost",
    ".cb": "catboost",
    ".json": "",  # told by what is in it
}
EXTRAS = {"keras": "tensorflow"}  # of setpoint, where they are not called after the framework
# by a file that tells what a folder is
FOLDERS = {"saved_model.pb": "keras", "model.onnx": "onnx", "config.json": "transformers"}


def framework_of(path: Path) -> str:
    """Return the framework that reads a model file, by its suffix, or a folder, by what is in it.

    Raises
    ------
    InvalidInput
        If there is no such file, or nothing here reads it.
    """
    where = artifact_of(path)
    if not where.file.exists():
        raise InvalidInput(f"there is no model file at {path} (`artifact:`)")
    if where.is_code:
        return "python"
    path = where.file
    if path.is_dir():
        found = next((framework for name, framework in FOLDERS.items() if (path / name).is_file()), None)
        if found is None:
            raise InvalidInput(f"{path} is a folder without {' or '.join(FOLDERS) or 'a model'}; `artifact:` names "
                               "one model file")  # fmt: skip
        return found
    if path.suffix.lower() not in SUFFIXES:
        if path.suffix.lower() == ".py":
            raise InvalidInput(f"{path.name} is Python code; name its class too: `artifact: {path.name}:Class`")
        raise InvalidInput(
            f"cannot tell what {path.name} is: {path.suffix!r} is none of {', '.join(SUFFIXES)}{_near(path)}. "
            "Save scikit-learn models with skops.io.dump(model, 'model.skops') or joblib.dump(model, 'model.joblib'), "
            "Keras ones with model.save('model.keras'), boosters with save_model('model.txt'), '.ubj' or '.cbm'"
        )
    return SUFFIXES[path.suffix.lower()] or framework_of_json(path)


def _near(path: Path) -> str:
    near = difflib.get_close_matches(path.suffix.lower(), SUFFIXES, n=1, cutoff=0.6)
    return f"; the nearest is {near[0]}" if near else ""


def importer_for(framework: str) -> Importer:
    """Return the importer of a framework; it is imported only now, for it imports the framework.

    Raises
    ------
    Unusable
        If the framework is not installed.
    """
    try:
        return cast(Importer, import_module(f"setpoint.deploy.importers.{framework}"))
    except ModuleNotFoundError as e:
        extra = EXTRAS.get(framework, framework)
        raise Unusable(f"this model needs {e.name}, which is not installed: pip install 'setpoint[{extra}]'") from e


def load(importer: Importer, path: Path, trusted: Sequence[str], output: str | None = None) -> Any:
    """Load a scanned model file, to answer by the output that `output:` names.

    Raises
    ------
    InvalidInput
        If the framework cannot: its own words, and the versions that may differ; or if there is no such output.
    """
    native = _read(importer, path, trusted)
    answering = getattr(importer, "answering", None)
    if answering is not None:
        return answering(native, output)
    if output is not None:
        raise InvalidInput(f"`output: {output}`: {path.name} has one output; leave the key out")
    return native


def _read(importer: Importer, path: Path, trusted: Sequence[str]) -> Any:
    try:
        return importer.read(path, trusted)
    except SetpointError:
        raise
    except Exception as e:  # a strange file can fail in any way
        installed = ", ".join(f"{name} {version}" for name, version in importer.packages().items())
        said = next(iter(str(e).strip().splitlines()), "")[:280]
        raise InvalidInput(
            f"cannot load {path.name}: {type(e).__name__}: {said}{hint(e)}. Installed here: {installed}"
        ) from e
