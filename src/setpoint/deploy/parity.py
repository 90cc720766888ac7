"""Whether a converted model gives the framework's own answers."""

import numpy as np

from setpoint.domain.classes import places
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.domain.version import Parity

ALLOWED_SHARE = 1e-3
PROBABILITY_TOLERANCE = 1e-4


def tolerance(native: Column, task: Task) -> float:
    """Return how far one score may move, in its own unit.

    Regression: 1e-4 of the standard deviation of the model's predictions, far below any error a model has and some
    ten times what float32 sums of a few hundred trees cost; a model that always says the same gets 1e-6 of its value.
    Classes: 1e-4 in probability.
    """
    if task is not Task.REGRESSION:
        return PROBABILITY_TOLERANCE
    return float(max(1e-4 * np.std(native), 1e-6 * np.max(np.abs(native)), 1e-12))


def compared(answers: Columns, schema: Schema) -> Column:
    """Return what is compared of answers: the score, or of several classes their probabilities, shape (n, n_classes).

    Where there are too many classes to record each one's, the label's probability stands at its class, zero elsewhere.
    """
    if schema.task is not Task.MULTICLASS:
        return answers[schema.score]
    if schema.probabilities:
        return np.stack([answers[name] for name in schema.probabilities], axis=1)
    found = np.zeros((len(answers[schema.score]), len(schema.classes)))
    found[np.arange(len(found)), places(answers["label"], schema).astype(np.intp)] = answers[schema.score]
    return found


def compare(native: Column, other: Column, task: Task, threshold: float = 0.5) -> Parity:
    """Compare finite scores of shape (n_rows,) with those of another runtime, row by row.

    Of several classes the scores are their probabilities, of shape (n_rows, n_classes): a row differs by as much as the
    class that moved furthest, and its label is the likeliest class.

    Right means: the share of rows beyond the tolerance and, for classes, the share whose label changes are both at
    most `ALLOWED_SHARE`. Rounding to float32 can carry a value across the threshold of a tree on a few rows in ten
    thousand, which no tolerance of the score covers; a wrong conversion differs on far more. Below 1,000 rows not one
    such row is allowed. A row that gets no number is never right.
    """
    limit = tolerance(native, task)
    difference = apart_by(native, other)
    if difference.ndim == 2:
        difference = difference.max(axis=1)
    beyond = float(np.mean(difference > limit))
    flips = (
        beyond if task is Task.REGRESSION else float(np.mean(decided(native, threshold) != decided(other, threshold)))
    )
    return Parity(
        rows=len(native),
        largest=float(difference.max(where=np.isfinite(difference), initial=0.0)),
        flips=flips,
        tolerance=limit,
        ok=bool(max(beyond, flips) <= ALLOWED_SHARE and np.isfinite(other).all()),
        worst_row=int(difference.argmax()),
        beyond=beyond,
        rank_changes=rank_changes(native, other, limit),
    )


def apart_by(own: Column, other: Column) -> Column:
    """Return how far answers are apart: infinitely where one of them is no finite number, zero where both are none."""
    with np.errstate(invalid="ignore"):
        apart = np.where(np.isfinite(own) & np.isfinite(other), np.abs(own - other), np.inf)
    return np.where(np.isfinite(own) | np.isfinite(other), apart, 0.0)


def decided(scores: Column, threshold: float) -> Column:
    """Return the class that each row is given: whether it is the second, or its place among several."""
    places: Column = scores.argmax(axis=1) if scores.ndim == 2 else scores > threshold
    return places


def rank_changes(native: Column, other: Column, limit: float) -> float:
    """Return the share of neighbours in the order of the native scores, further apart than `limit`, that swap places.

    Of several classes it is that of the class with the most.
    """
    if native.ndim == 2:
        return max(rank_changes(n, o, limit) for n, o in zip(native.T, other.T, strict=True))
    order = np.argsort(native, kind="stable")
    apart = np.diff(native[order]) > limit
    return float((np.diff(other[order])[apart] < 0).mean()) if apart.any() else 0.0
