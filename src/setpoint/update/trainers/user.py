"""Train with the user's own function: `train.py:fit`."""

import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from setpoint.domain.schema import Schema
from setpoint.errors import InvalidInput, JobFailed
from setpoint.update.trainers import sklearn
from setpoint.update.trainers.rows import target_of


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
    file, function = _function(train)
    try:
        made = function(table.to_pandas(), msgspec.to_builtins(schema), artifact)
    except Exception as e:  # not our code: it may raise anything
        raise JobFailed(_blame(e, file)) from e
    return _save(made, train, artifact, workdir)


def _function(train: str) -> tuple[Path, Callable[..., Any]]:
    path, _, name = train.rpartition(":")
    file = Path(path).resolve()
    if not path or not name.isidentifier():
        raise InvalidInput(f"`train: {train}` must name a file and a function, like train.py:fit")
    if not file.is_file():
        raise InvalidInput(f"`train: {train}`: there is no file {file}")
    sys.path.insert(0, str(file.parent))
    try:
        content = runpy.run_path(str(file), run_name=file.stem)
    except Exception as e:  # not our code: importing it may raise anything
        raise JobFailed(_blame(e, file)) from e
    function = content.get(name)
    if not callable(function):
        raise InvalidInput(f"`train: {train}`: {file.name} has no function {name!r}")
    return file, function


def _blame(error: Exception, file: Path) -> str:
    """Write a user's error as one line: where in their file, and what."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    line = lines[-1] if lines else getattr(error, "lineno", None)
    return f"{file}:{line}: {type(error).__name__}: {str(error).strip() or 'no message'}"


def _save(made: Any, train: str, artifact: Path, workdir: Path) -> Path:
    if any(kind.__module__.split(".")[0] == "keras" for kind in type(made).__mro__):
        path = workdir / f"{artifact.stem}.keras"
        made.save(path)
        return path
    if not hasattr(made, "predict") or isinstance(made, type):
        what = "nothing" if made is None else f"{type(made).__name__}"
        raise InvalidInput(f"{train} returned {what}; a fitted estimator with `predict` was expected")
    suffix = artifact.suffix if artifact.suffix in (".joblib", ".skops", ".pkl", ".pickle") else ".joblib"
    return sklearn.save(made, workdir / f"{artifact.stem}{suffix}")
