"""One small file a framework: what a model file says of itself, and how it becomes ONNX."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from setpoint.deploy.importers._base import Importer, Signature
from setpoint.errors import InvalidInput

__all__ = ["Importer", "Signature", "framework_of", "importer_for", "load"]

FRAMEWORKS = {
    ".joblib": "sklearn",
    ".pkl": "sklearn",
    ".pickle": "sklearn",
    ".skops": "sklearn",
    ".keras": "keras",
    ".h5": "keras",
    ".hdf5": "keras",
}


def framework_of(path: Path) -> str:
    """Return the framework that reads a model file, by its suffix.

    Raises
    ------
    InvalidInput
        If there is no such file, or nothing here reads it.
    """
    if not path.exists():
        raise InvalidInput(f"there is no model file at {path} (`artifact:`)")
    if not path.is_file():
        raise InvalidInput(f"{path} is no file; `artifact:` names one model file")
    if path.suffix.lower() not in FRAMEWORKS:
        raise InvalidInput(
            f"cannot tell what {path.name} is: {path.suffix!r} is none of {', '.join(FRAMEWORKS)}{_near(path)}. "
            "Save scikit-learn models with skops.io.dump(model, 'model.skops') or joblib.dump(model, 'model.joblib'), "
            "Keras ones with model.save('model.keras')"
        )
    return FRAMEWORKS[path.suffix.lower()]


def _near(path: Path) -> str:
    near = difflib.get_close_matches(path.suffix.lower(), FRAMEWORKS, n=1, cutoff=0.6)
    return f"; the nearest is {near[0]}" if near else ""


def importer_for(framework: str) -> Importer:
    """Return the importer of a framework; it is imported only now, for it imports the framework.

    Raises
    ------
    Unusable
        If the framework is not installed.
    """
    if framework == "keras":
        from setpoint.deploy.importers import keras

        return keras
    from setpoint.deploy.importers import sklearn

    return sklearn


def load(importer: Importer, path: Path, trusted: Sequence[str]) -> Any:
    """Load a scanned model file.

    Raises
    ------
    InvalidInput
        If the framework cannot: its own words, and the versions that may differ.
    """
    try:
        return importer.read(path, trusted)
    except Exception as e:  # a strange file can fail in any way
        installed = ", ".join(f"{name} {version}" for name, version in importer.packages().items())
        said = next(iter(str(e).strip().splitlines()), "")[:280]
        raise InvalidInput(f"cannot load {path.name}: {type(e).__name__}: {said}. Installed here: {installed}") from e
