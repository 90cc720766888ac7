"""Estimators of boosting libraries: their own library serves them, for it knows their categories."""

from importlib import import_module
from types import ModuleType
from typing import Any

from sklearn.base import clone

LIBRARIES = frozenset({"catboost", "lightgbm", "xgboost"})  # modules of this room
STOPPING = ("early_stopping_rounds", "early_stopping_round")
ROUNDS = ("iterations", "num_iterations", "num_boost_round", "num_trees")  # other names of `n_estimators`


def library_of(estimator: Any) -> str | None:
    """Return the boosting library that an estimator or a booster is of, None for any other."""
    root = type(estimator).__module__.partition(".")[0]
    return root if root in LIBRARIES else None


def runtime_of(estimator: Any) -> ModuleType | None:
    """Return the module of this room that runs an estimator or a booster of a boosting library, None for any other."""
    library = library_of(estimator)
    return None if library is None else import_module(f"setpoint.runtime.{library}")


def in_one_thread(estimator: Any) -> Any:
    """Let the boosters in an estimator answer in one thread: workers are processes."""
    parts = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    for part in parts:
        if library_of(part) in ("lightgbm", "xgboost"):  # CatBoost takes no such parameter after its training
            part.set_params(n_jobs=1)
    return estimator


def untrained(estimator: Any) -> Any:
    """Return an unfitted copy of an estimator; one that stopped early is to build as many trees as were best.

    It has no rows set aside that it could stop by again.
    """
    copy, boosted = _clone(estimator), runtime_of(estimator)
    if boosted is None:
        return copy
    rounds, given = boosted.stopped_at(estimator), copy.get_params()
    if rounds is None:
        return copy
    name = next((n for n in ROUNDS if given.get(n) is not None), "n_estimators")
    stopping = {n: None for n in STOPPING if given.get(n) is not None}
    return copy.set_params(**stopping, **{name: rounds})


def _clone(estimator: Any) -> Any:
    if library_of(estimator) != "catboost":
        return clone(estimator)
    # scikit-learn's clone takes it amiss that CatBoost copies its lists; and it writes a folder where it stands
    return type(estimator)(**{**estimator.get_params(), "allow_writing_files": False})
