"""Train with the user's own function: `train.py:fit`."""

import inspect
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from setpoint.domain.artifact import artifact_of
from setpoint.errors import InvalidInput, JobFailed
from setpoint.runtime.boosted import library_of
from setpoint.runtime.own import blame, function_of
from setpoint.sandbox.guard import hint
from setpoint.update.trainers import sklearn
from setpoint.update.trainers.request import FitRequest
from setpoint.update.trainers.rows import rows_of, weights_of

BOOSTERS = {"lightgbm": ".txt", "xgboost": ".ubj"}


def fit(train: str, request: FitRequest) -> Path:
    """Call `fit(table: DataFrame, schema: dict, artifact: Path)` in the user's file, and save the estimator it returns.

    A path that it returns is that of a model it wrote. Of `seed`, `weights`, `progress` and `checkpoint` it gets those
    that it names (see `_offered`).

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
    rows_of(request.table, request.schema)
    file, function = function_of(train, "train")
    given = (request.table.to_pandas(), msgspec.to_builtins(request.schema), request.artifact)
    try:
        made = function(*given, **_asked_for(function, request))
    except Exception as e:  # not our code: it may raise anything
        raise JobFailed(f"{blame(e, file)}{hint(e, 'a training')}") from e
    except SystemExit as e:
        raise JobFailed(f"{blame(e, file)}: it ended its process; return the fitted model instead") from e
    return _save(made, train, request.artifact, request.workdir)


def _asked_for(function: Callable[..., Any], request: FitRequest) -> dict[str, Any]:
    """Return what a function names of all that is offered beside the first three."""
    parameters = inspect.signature(function).parameters
    every = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return {name: thing for name, thing in _offered(request).items() if every or name in list(parameters)[3:]}


def _offered(request: FitRequest) -> dict[str, Any]:
    """Return what a training may ask for.

    `seed`, an int; `weights`, an array of shape (n,) or None; `progress(words, done=None)` tells what goes on and which
    share is done; `checkpoint`, the Path of a folder whose files are there again if the training is killed and begun
    anew.
    """
    return {
        "seed": request.seed,
        "weights": weights_of(request.table),
        "progress": request.report.say,
        "checkpoint": request.checkpoints,
    }


def _save(made: Any, train: str, artifact: Path, workdir: Path) -> Path:
    if isinstance(made, Path):
        return _written(made, train, artifact, workdir)
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


def _written(made: Path, train: str, champion: Path, workdir: Path) -> Path:
    """Return what the function wrote; a state_dict of PyTorch without a factory is given the champion's."""
    given, old = artifact_of(made), artifact_of(champion)
    if not given.file.exists():
        raise InvalidInput(f"{train} returned the path {made}, where there is nothing")
    if given.code or old.code is None or old.is_code:
        return made.resolve()
    for file in (given.file, old.code):
        shutil.copyfile(file, workdir / file.name)
    return workdir / f"{given.file.name}:{old.code.name}:{old.entry}"
