"""How much better one model is than another on the same rows, when neighbouring rows are alike."""

import math

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.value import value
from setpoint.stats.intervals import t_quantile

BLOCKS = 20
LARGEST_CORRELATION = 0.8  # between blocks; beyond it twenty of them cannot tell a mean from a trend
FEWEST_FREEDOM = 5.0


@value
class Interval:
    """A mean with its confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float
    rows: int


def mean_interval(gains: Column, *, level: float = 0.95) -> Interval:
    """Return the mean of a series in time order and a two-sided interval that respects autocorrelation.

    Twenty block means give the variance; what correlation is left between neighbouring blocks inflates it as in an
    AR(1) process, with the estimate's known bias removed, and lowers the degrees of freedom in the same proportion.
    Simulated with AR(1) rows of correlation 0 to 0.9, 168 to 1,000 of them: the lower bound is above a zero mean in 1.4
    to 2.7 % (nominal 2.5; an interval for independent rows 2 to 34 %); at 0.97 in 2.4 to 4.2 % (40 to 42 %).

    Parameters
    ----------
    gains : ndarray of shape (n_rows,), float64
        Paired differences of losses in time order, without NaN.
    level : float
        Coverage, as a fraction.

    Returns
    -------
    Interval
        Infinite on both sides below 8 rows.
    """
    rows = len(gains)
    if rows < 8:
        return Interval(mean=float(gains.mean()) if rows else 0.0, low=-math.inf, high=math.inf, rows=rows)
    variance, inflation, blocks = _block_variance(gains)
    freedom = max((blocks - 1) / inflation, FEWEST_FREEDOM)
    half = t_quantile(0.5 - level / 2, freedom) * math.sqrt(variance / blocks * inflation)
    mean = float(gains.mean())
    return Interval(mean=mean, low=mean - half, high=mean + half, rows=rows)


def variance_inflation(gains: Column) -> float:
    """Return how many dependent rows weigh as much as one independent row: at least 1.

    The variance of the mean is this factor times the rows' own variance over their number.
    """
    rows = len(gains)
    own = float(gains.var(ddof=1)) if rows > 1 else 0.0
    if rows < 8 or own == 0.0:
        return 1.0
    variance, inflation, blocks = _block_variance(gains)
    return max(1.0, variance * (rows // blocks) / own) * inflation


def _block_means(gains: Column, blocks: int) -> Column:
    """Return the means of blocks of equal size, up to the last row, shape (blocks,)."""
    size = len(gains) // blocks
    means: Column = gains[len(gains) - blocks * size :].reshape(blocks, size).mean(axis=1)
    return means


def _block_variance(gains: Column) -> tuple[float, float, int]:
    """Return the variance of the block means, its AR(1) inflation, and the number of blocks."""
    blocks = min(BLOCKS, len(gains))
    means = _block_means(gains, blocks)
    around = means - means.mean()
    squares = float(np.square(around).sum())
    if squares == 0.0:
        return 0.0, 1.0, blocks
    raw = float((around[1:] * around[:-1]).sum()) / squares
    correlation = (raw * blocks + 1) / (blocks - 4)  # E[raw] ≈ ρ − (1 + 4ρ) / blocks
    correlation = min(max(correlation, 0.0), LARGEST_CORRELATION)
    return squares / (blocks - 1), (1 + correlation) / (1 - correlation), blocks
