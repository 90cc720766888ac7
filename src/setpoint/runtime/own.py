"""Functions in the user's own files: `train.py:fit`."""

import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from setpoint.errors import InvalidInput, JobFailed

LIKE = {
    "artifact": "model.py:Predictor",
    "factory": "net.py:build",
    "train": "train.py:fit",
    "profile": "features.py:describe",
    "metric": "metrics.py:profit",
    "audit": "features.py:fetch",
}


def function_of(where: str, key: str) -> tuple[Path, Callable[..., Any]]:
    """Return the file and the function that a key of setpoint.yaml names.

    Parameters
    ----------
    where : str
        `path/to/file.py:function`.
    key : str
        `artifact` (a class), `factory`, `train`, `profile`, `metric` or `audit`.

    Raises
    ------
    InvalidInput
        If there is no such file or function.
    JobFailed
        If the file raised: the error with the file and line it came from.
    """
    path, _, name = where.rpartition(":")
    file = Path(path).resolve()
    if not path or not name.isidentifier():
        raise InvalidInput(f"`{key}: {where}` must name a file and a function, like {LIKE[key]}")
    if not file.is_file():
        raise InvalidInput(f"`{key}: {where}`: there is no file {file}")
    sys.path.insert(0, str(file.parent))
    try:
        content = runpy.run_path(str(file), run_name=file.stem)
    except Exception as e:  # not our code: importing it may raise anything
        raise JobFailed(blame(e, file)) from e
    function = content.get(name)
    if not callable(function):
        raise InvalidInput(
            f"`{key}: {where}`: {file.name} has no {'class' if key == 'artifact' else 'function'} {name!r}"
        )
    return file, function


def blame(error: BaseException, file: Path) -> str:
    """Write a user's error as one line: where in their file, and what."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    line = lines[-1] if lines else getattr(error, "lineno", None)
    return f"{file}:{line}: {type(error).__name__}: {str(error).strip() or 'no message'}"
