"""Requests that failed, asked again: whether a version fails on them by itself."""

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.requested import Requested
from setpoint.maintain.case import Score
from setpoint.maintain.marks import Bools

MOST = 64  # rows that are asked again
FAILED = 500  # status of what a model failed to answer


def failures(asked: Requested) -> Bools:
    """Return which rows a model failed to answer, shape (n,)."""
    return np.asarray((asked.status == FAILED) & (asked.id != None), bool)  # noqa: E711  # elementwise


def failing(score: Score, version: str, inputs: Columns) -> Bools:
    """Return which rows a version fails to answer, shape (n,); inputs are as it sees them.

    All are asked at once; where that fails, both halves, so that few questions find the culprits among many.
    """
    n = len(next(iter(inputs.values()), ()))
    if not n:
        return np.zeros(0, bool)
    try:
        answers = score(version, inputs)
    except Exception:  # a model is not our code
        if n == 1:
            return np.ones(1, bool)
    else:
        lost = [_no_number(c) for c in answers.values() if c.dtype.kind == "f"]
        return np.asarray(np.any(lost, axis=0), bool)
    half = n // 2
    parts = ({name: c[:half] for name, c in inputs.items()}, {name: c[half:] for name, c in inputs.items()})
    return np.concatenate([failing(score, version, part) for part in parts])


def _no_number(answers: Column) -> Bools:
    return np.asarray(~np.isfinite(answers), bool)
