"""Requests that failed, asked again: whether a version fails on them by itself."""

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.requested import Requested
from setpoint.maintain.case import Score
from setpoint.maintain.marks import Bools

MOST = 64  # rows that are asked again
IN_VAIN = 32  # questions
FAILED = 500  # status of what a model failed to answer


def failures(asked: Requested) -> Bools:
    """Return which rows a model failed to answer, shape (n,)."""
    return np.asarray((asked.status == FAILED) & (asked.id != None), bool)  # noqa: E711  # elementwise


def failing(score: Score, version: str, inputs: Columns) -> Bools:
    """Return which rows a version fails to answer, shape (n,); inputs are as it sees them.

    All are asked at once; where that fails, both halves, so that few questions find the culprits among many. A version
    that failed 32 times and never answered fails on all.
    """
    failed = answered = 0

    def lost(part: Columns) -> Bools:
        nonlocal failed, answered
        n = len(next(iter(part.values()), ()))
        if not n:
            return np.zeros(0, bool)
        if failed >= IN_VAIN and not answered:
            return np.ones(n, bool)
        try:
            answers = score(version, part)
        except Exception:  # a model is not our code
            failed += 1
            if n == 1:
                return np.ones(1, bool)
        else:
            answered += 1
            return np.asarray(np.any([_no_number(c) for c in answers.values() if c.dtype.kind == "f"], axis=0), bool)
        halves = slice(None, n // 2), slice(n // 2, None)
        return np.concatenate([lost({name: c[half] for name, c in part.items()}) for half in halves])

    return lost(inputs)


def _no_number(answers: Column) -> Bools:
    return np.asarray(~np.isfinite(answers), bool)
