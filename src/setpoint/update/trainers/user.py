"""Train with the user's own function: `train.py:fit`."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from setpoint.domain.schema import Schema
from setpoint.errors import InvalidInput, JobFailed
from setpoint.runtime.boosted import library_of
from setpoint.runtime.own import blame, function_of
from setpoint.update.trainers import sklearn
from setpoint.update.trainers.rows import target_of

BOOSTERS = {"lightgbm": ".txt", "xgboost": ".ubj"}


def fit(train: str, artifact: Path, table: pa.Table, schema: Schema, workdir: Path) -> Path:
    """Call `fit(table: DataFrame, schema: dict, artifact: Path)` in the user's file, and save the estimator it returns.

    Parameters
    ----------
    train : str
        `path/to/file.py:function`.

    Raises
    ------
    InvalidInput
        If there is no such file or function, or it returned something else.
    JobFailed
        If it raised: the error with the file and line it came from.
    """
    target_of(table, schema)
    file, function = function_of(train, "train")
    try:
        made = function(table.to_pandas(), msgspec.to_builtins(schema), artifact)
    except Exception as e:  # not our code: it may raise anything
        raise JobFailed(blame(e, file)) from e
    return _save(made, train, artifact, workdir)


def _save(made: Any, train: str, artifact: Path, workdir: Path) -> Path:
    if any(kind.__module__.split(".")[0] == "keras" for kind in type(made).__mro__):
        path = workdir / f"{artifact.stem}.keras"
        made.save(path)
        return path
    suffix = BOOSTERS.get(library_of(made) or "") if type(made).__name__ == "Booster" else None
    if suffix:
        path = workdir / f"{artifact.stem}{suffix}"
        made.save_model(path)
        return path
    if not hasattr(made, "predict") or isinstance(made, type):
        what = "nothing" if made is None else f"{type(made).__name__}"
        raise InvalidInput(f"{train} returned {what}; a fitted estimator with `predict` was expected")
    suffix = artifact.suffix if artifact.suffix in (".joblib", ".skops", ".pkl", ".pickle") else ".joblib"
    return sklearn.save(made, workdir / f"{artifact.stem}{suffix}")
