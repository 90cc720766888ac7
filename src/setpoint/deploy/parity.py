"""Whether a converted model gives the framework's own answers."""

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.schema import Task
from setpoint.domain.version import Parity

ALLOWED_SHARE = 1e-3
PROBABILITY_TOLERANCE = 1e-4


def tolerance(native: Column, task: Task) -> float:
    """Return how far one score may move, in its own unit.

    Regression: 1e-4 of the standard deviation of the model's predictions, far below any error a model has and some
    ten times what float32 sums of a few hundred trees cost; a model that always says the same gets 1e-6 of its value.
    Binary: 1e-4 in probability.
    """
    if task is Task.BINARY:
        return PROBABILITY_TOLERANCE
    return float(max(1e-4 * np.std(native), 1e-6 * np.max(np.abs(native)), 1e-12))


def compare(native: Column, other: Column, task: Task, threshold: float = 0.5) -> Parity:
    """Compare finite scores of shape (n_rows,) with those of another runtime, row by row.

    Right means: the share of rows beyond the tolerance and, for a binary task, the share whose label changes are both
    at most `ALLOWED_SHARE`. Rounding to float32 can carry a value across the threshold of a tree on a few rows in ten
    thousand, which no tolerance of the score covers; a wrong conversion differs on far more. Below 1,000 rows not one
    such row is allowed.
    """
    limit = tolerance(native, task)
    difference = np.where(np.isfinite(other), np.abs(native - other), np.inf)
    beyond = float(np.mean(difference > limit))
    flips = float(np.mean((native > threshold) != (other > threshold))) if task is Task.BINARY else beyond
    return Parity(
        rows=len(native),
        largest=float(difference.max()),
        flips=flips,
        tolerance=limit,
        ok=max(beyond, flips) <= ALLOWED_SHARE,
        worst_row=int(difference.argmax()),
        beyond=beyond,
    )
