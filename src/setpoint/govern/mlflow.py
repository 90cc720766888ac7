"""Look into a directory that MLflow wrote: it may bring no code, and be loaded by nothing but MLflow itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from setpoint.errors import Unsafe
from setpoint.govern.walk import regular_files

LOADERS = frozenset(f"mlflow.{f}" for f in ("sklearn", "xgboost", "lightgbm", "catboost", "onnx", "keras", "tensorflow",
                                            "pytorch", "transformers"))  # fmt: skip
MLMODEL = "MLmodel"
MAX_MLMODEL = 2**20


def check(folder: Path, allow: Sequence[str] = ()) -> None:
    """Look at what MLflow would load a folder of its own by; other files and folders pass.

    The model file in it is scanned by itself.

    Raises
    ------
    Unsafe
        Naming code that the folder brings, a loader that is not MLflow's own for a framework, or a link.
    """
    if (folder / MLMODEL).is_file():
        regular_files(folder)
        _check_flavors(folder, allow)


def _check_flavors(folder: Path, allow: Sequence[str]) -> None:
    for flavor, told in _flavors(folder).items():
        loader = told.get("loader_module")
        if told.get("code"):
            raise Unsafe(f"{folder.name}/MLmodel: {flavor} brings code of its own ({told['code']!r}); it was not "
                         "loaded. Deploy your own code as `artifact: model.py:Class`")  # fmt: skip
        if loader is not None and loader not in LOADERS and loader not in allow:
            raise Unsafe(
                f"{folder.name}/MLmodel: {flavor} is loaded by {loader!r}, which can run any code; it was not loaded. "
                "Log the model in its framework's own flavor, or save its class as a file and write `artifact: "
                "model.py:Class`"
            )


def _flavors(folder: Path) -> dict[str, dict[str, Any]]:
    file = folder / MLMODEL
    if file.stat().st_size > MAX_MLMODEL:
        raise Unsafe(f"{folder.name}/MLmodel is larger than {MAX_MLMODEL:,} bytes")
    try:
        told = yaml.safe_load(file.read_text(errors="replace"))
        return {str(name): dict(flavor) for name, flavor in told["flavors"].items()}
    except (yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError, RecursionError) as e:
        raise Unsafe(f"{folder.name}/MLmodel is not what MLflow writes: {type(e).__name__}; it was not loaded") from e
