"""One file a framework: each makes a new artefact of what an artefact holds and a table, by one of several methods."""

from importlib import import_module
from pathlib import Path
from typing import cast

import msgspec

from setpoint.domain.update import Method
from setpoint.errors import InvalidInput, Unusable
from setpoint.update.trainers.request import Trainer

__all__ = ["Trainer", "trainer_for", "usual"]

# by suffix, a module of this folder
MODULES = {
    **dict.fromkeys((".joblib", ".pkl", ".pickle", ".skops"), "sklearn"),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), "keras"),
    **dict.fromkeys((".txt", ".lgb"), "lightgbm"),
    **dict.fromkeys((".ubj", ".xgb"), "xgboost"),
    **dict.fromkeys((".cbm", ".cb"), "catboost"),
}
ELSEWHERE = (Method.RECALIBRATE, Method.THRESHOLD, Method.RESIDUAL, Method.OWN)  # they fit no model file anew


def usual(artifact: Path, train: str | None) -> Method:
    """Return the method where nobody said one: the user's own training; Keras goes on, all others are refitted."""
    if train is not None:
        return Method.OWN
    return Method.CONTINUE if MODULES.get(artifact.suffix.lower()) == "keras" else Method.REFIT


def trainer_for(artifact: Path, method: Method) -> Trainer:
    """Return the trainer of a model file; it is imported only now, for it imports the framework.

    Raises
    ------
    InvalidInput
        If a model of this kind does not hold what it takes, or `method` fits no model file. Whether a framework knows
        the method may hang on the model: then the trainer raises it.
    Unusable
        If the framework is not installed.
    """
    module = _module_of(artifact)
    if module is None or method in ELSEWHERE:
        why = f"`{method}` does not train a model file" if module else "it does not say how it was trained"
        raise InvalidInput(
            f"{artifact.name} cannot be trained by itself: {why}; write your own training and name it: "
            "`train: train.py:fit`"
        )
    try:
        return cast(Trainer, import_module(f"setpoint.update.trainers.{module}").fit)
    except ModuleNotFoundError as e:
        raise Unusable(f"training {artifact.name} needs {e.name}, which is not installed") from e


def _module_of(artifact: Path) -> str | None:
    suffix = artifact.suffix.lower()
    return _of_json(artifact) if suffix == ".json" else MODULES.get(suffix)


class _Keys(msgspec.Struct):
    """What tells whose a JSON file is, read past and not built."""

    learner: msgspec.Raw = msgspec.Raw()


def _of_json(artifact: Path) -> str:
    """Return whose model a JSON file is: an importer has made sure that it is one of the two."""
    return "xgboost" if bytes(msgspec.json.decode(artifact.read_bytes(), type=_Keys).learner) else "catboost"
