"""Look into a directory that MLflow wrote: every file in it by its kind, and no code beside them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from setpoint.errors import Unsafe

LOADERS = frozenset(f"mlflow.{f}" for f in ("sklearn", "xgboost", "lightgbm", "catboost", "onnx", "keras", "tensorflow",
                                            "pytorch", "transformers"))  # fmt: skip
TEXTS = (
    "MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "README.md", "registered_model_meta",
    "input_example.json", "serving_input_example.json", "serving_input_payload.json", "input_example_metadata.json",
    "save_format.txt", "keras_module.txt", "save_options.json",
)  # fmt: skip
MAX_MLMODEL = 2**20


def scan(
    folder: Path, files: list[Path], allow: Sequence[str], scan_file: Callable[..., tuple[str, ...]]
) -> tuple[str, ...]:
    """Scan the files of a model directory; refuse code paths and loaders that are not MLflow's own for a framework."""
    _check(folder, allow)
    inner = [file for file in files if file.name not in TEXTS]
    return tuple(sorted({name for file in inner for name in scan_file(file, allow)}))


def _check(folder: Path, allow: Sequence[str]) -> None:
    for flavor, told in _flavors(folder).items():
        loader = told.get("loader_module")
        if told.get("code"):
            raise Unsafe(f"{folder.name}/MLmodel: {flavor} brings code of its own ({told['code']!r}); it was not "
                         "loaded. Deploy your own code as `artifact: model.py:Class`")  # fmt: skip
        if loader is not None and loader not in LOADERS and loader not in allow:
            raise Unsafe(
                f"{folder.name}/MLmodel: {flavor} is loaded by {loader!r}, which can run any code; it was not loaded. "
                "Log the model in its framework's own flavor or, if you wrote the loader, list it under `allow:`"
            )


def _flavors(folder: Path) -> dict[str, dict[str, Any]]:
    file = folder / "MLmodel"
    if file.stat().st_size > MAX_MLMODEL:
        raise Unsafe(f"{folder.name}/MLmodel is larger than {MAX_MLMODEL:,} bytes")
    try:
        told = yaml.safe_load(file.read_text(errors="replace"))
        return {str(name): dict(flavor) for name, flavor in told["flavors"].items()}
    except (yaml.YAMLError, TypeError, KeyError, AttributeError, ValueError, RecursionError) as e:
        raise Unsafe(f"{folder.name}/MLmodel is not what MLflow writes: {type(e).__name__}; it was not loaded") from e
