"""Whether outcomes relate to the score as they did: concept, not only inputs or the share of outcomes, has changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.monitor.changes.values import Effect, Noise
from setpoint.monitor.tables.dependence import neighbours, stretch

BINS = 10  # of the score, by its deciles in the reference
FEWEST = BINS**2  # rows of either side
FLOOR = 0.05  # of a probability, or of the reference's deviations of the error
STEPS = 40  # halvings that find an offset of the log odds

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels and scores of the rows that have both, shape (n,)."""

    label: FloatArray
    score: FloatArray


def concept(reference: Labelled, current: Labelled, alpha: float, *, prior: bool) -> Effect:
    """Return how far the label's mean at equal score has moved, at the bin where that is surest.

    Parameters
    ----------
    reference, current : Labelled
        At least `FEWEST` rows each, in time order: dependence between neighbours widens the bounds.
    prior : bool
        Whether the share of labels moved. If so, what one offset of the log odds explains is no change of concept.
    """
    cuts = np.unique(np.quantile(reference.score, np.linspace(0, 1, BINS + 1)[1:-1]))
    a, b = (_residuals(t, reference, is_binary(reference)) for t in (reference, current))
    return _largest(cuts, (reference, a), (current, b), alpha, moved=is_binary(reference) and prior)


def is_binary(table: Labelled) -> bool:
    """Whether the labels are zeros and ones."""
    return bool(((table.label == 0) | (table.label == 1)).all())


def _residuals(table: Labelled, reference: Labelled, binary: bool) -> FloatArray:
    """Return labels, or errors of a number in deviations of the reference's errors."""
    if binary:
        return table.label
    error = reference.label - reference.score
    return (table.label - table.score) / (error.std() or 1.0)


def _largest(
    cuts: FloatArray,
    reference: tuple[Labelled, FloatArray],
    current: tuple[Labelled, FloatArray],
    alpha: float,
    *,
    moved: bool,
) -> Effect:
    """Return the difference of a bin's means that is surest to pass the floor."""
    (t, a), (u, b) = reference, current
    i, j = np.searchsorted(cuts, t.score), np.searchsorted(cuts, u.score)
    count = len(cuts) + 1
    (m, mean, var), (n, now, now_var) = (_moments(values, at, count) for values, at in ((a, i), (b, j)))
    phi = max(neighbours((values - means[at])[stretch(len(at))]) for values, means, at in ((a, mean, i), (b, now, j)))
    expected = _offset(mean, now, n) if moved else mean
    some = (n > 1) & (m > 1)
    width = Noise(alpha=alpha / count).z * np.sqrt(phi * (var / np.maximum(m, 1) + now_var / np.maximum(n, 1)))
    low = np.where(some, np.abs(now - expected) - width, -np.inf)
    at = int(np.argmax(low))
    return Effect(name="concept", size=float(abs(now[at] - expected[at])), low=float(low[at]), floor=FLOOR)


def _moments(values: FloatArray, at: NDArray[np.int64], count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = np.bincount(at, minlength=count).astype(np.float64)
    some = np.maximum(rows, 1)
    mean = np.bincount(at, values, count) / some
    return rows, mean, np.maximum(np.bincount(at, np.square(values - mean[at]), count) / some, 1 / np.square(some + 1))


def _offset(mean: FloatArray, now: FloatArray, rows: FloatArray) -> FloatArray:
    """Return the reference's shares with one offset of the log odds, so that the current table's total is met."""
    odds = special.logit(np.clip(mean, 1e-6, 1 - 1e-6))
    low, high = -20.0, 20.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        more = rows @ special.expit(odds + middle) < rows @ now
        low, high = (middle, high) if more else (low, middle)
    return np.asarray(special.expit(odds + low), np.float64)
