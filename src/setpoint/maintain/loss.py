"""The loss per record, and intervals for its mean that respect autocorrelation."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.classes import classes_of
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import value
from setpoint.stats.intervals import t_quantile

Floats = NDArray[np.float64]
HIGHEST_LAG1 = 0.95  # beyond it a few rows would count as none


def loss_name(schema: Schema) -> str:
    """Name of the loss in evidence: mean absolute error, or for classes the Brier score; see `losses_of`."""
    if schema.task is Task.MULTICLASS and not schema.probabilities:
        return "error rate"
    return "MAE" if schema.task is Task.REGRESSION else "Brier score"


def losses(score: Column, outcome: Column, task: Task) -> Floats:
    """Return the loss of each row, shape (n,): |score − outcome|, or (probability − outcome)² with outcomes 0 and 1.

    Every outcome must be known.
    """
    difference = score.astype(np.float64) - outcome.astype(np.float64)
    return np.abs(difference) if task is Task.REGRESSION else np.square(difference)


def losses_of(rows: Records, task: Task) -> Floats:
    """Return the loss of each recorded answer; of several classes (1 − probability of the true one)².

    Where only labels are recorded, the probability of the label counts as 1, of any other class as 0.
    """
    if rows.classes is not None:
        return np.square(1 - rows.classes.certainty)
    return losses(rows.score, rows.outcome, task)


def answer_losses(outputs: Columns, truth: Column, schema: Schema) -> Floats:
    """Return the same of what a version answers to rows whose truth (see `Records.truth`) is known."""
    if schema.task is Task.MULTICLASS:
        return np.square(1 - classes_of(outputs, truth, schema).certainty)
    return losses(outputs[schema.score], truth, schema.task)


def independent_rows(x: Floats) -> float:
    """Return how many independent rows a series is worth, n (1 − ρ) / (1 + ρ) with its lag-1 correlation ρ >= 0."""
    if len(x) < 3 or np.ptp(x) == 0:
        return float(len(x))
    d = x - x.mean()
    lag1 = float(np.clip((d[1:] @ d[:-1]) / (d @ d), 0.0, HIGHEST_LAG1))
    return max(1.0, len(x) * (1 - lag1) / (1 + lag1))


def moving_means(x: Floats, rows: int) -> Floats:
    """Return the means of all stretches of so many consecutive values, shape (n − rows + 1,); of all when n < rows."""
    rows = min(rows, len(x))
    total = np.concatenate([[0.0], np.cumsum(x)])
    means: Floats = (total[rows:] - total[:-rows]) / rows
    return means


def distance(a: Column, b: Column) -> float:
    """Return the largest gap between two empirical distributions (Kolmogorov–Smirnov)."""
    grid = np.sort(np.concatenate([a, b]))
    gap = np.searchsorted(np.sort(a), grid, "right") / len(a) - np.searchsorted(np.sort(b), grid, "right") / len(b)
    return float(np.abs(gap).max())


@value
class Mean:
    """A mean, its bounds at the given level, the independent rows behind it, and its t statistic against zero."""

    mean: float
    low: float
    high: float
    rows: float
    t: float

    @property
    def support(self) -> float:
        """Signed log likelihood ratio of "not zero" against "zero" under a t model (nats)."""
        degrees = max(self.rows - 1, 1.0)
        return float(np.sign(self.mean) * 0.5 * self.rows * np.log1p(self.t**2 / degrees))


def interval_words(mean: Mean, form: str = ".4g", level: float = 0.95) -> str:
    """Say the interval of a mean at a level, or why there is none."""
    if not (np.isfinite(mean.low) and np.isfinite(mean.high)):
        return "no interval: the records are so alike that they tell no more than one does"
    return f"{100 * level:.4g} % interval {mean.low:{form}} to {mean.high:{form}}"


def mean_of(x: Floats, level: float = 0.95) -> Mean:
    """Return the mean of an autocorrelated series with a t interval on its independent rows."""
    rows = independent_rows(x)
    mean = float(x.mean())
    if rows < 2:
        return Mean(mean=mean, low=-np.inf, high=np.inf, rows=rows, t=0.0)
    error = float(x.std(ddof=1)) / np.sqrt(rows) or np.finfo(float).tiny
    half = t_quantile(0.5 - level / 2, rows - 1) * error
    return Mean(mean=mean, low=mean - half, high=mean + half, rows=rows, t=mean / error)
