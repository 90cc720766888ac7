"""A metric on rows, with what bounds it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.intervals import block_se, t_quantile

FloatArray = NDArray[np.float64]
BLOCKS = 20  # of rows that a resampled error rests on
OTHERWISE = math.sqrt(2)  # rows of a count that chance may turn, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A metric, and how much each row moves it.

    Parameters
    ----------
    value : float
        NaN where the metric is not defined on these rows; `why` says why.
    psi : ndarray of shape (n,), float64
        Influence of each row (of a ranking metric: of each query) on the metric, with mean zero. The standard error of
        the metric is that of their mean.
    grain : float
        How far one row more or less moves a metric that counts rows; 0 for others. Three hits of three leave no
        variance, and still prove little: an interval is never narrower than `OTHERWISE` grains.
    bias : float
        How much of the value may be upward bias, so that the lower bound starts below it.
    why : str
        Why there is no value.
    se : float, optional
        The standard error where it was found otherwise than by influence, as by resampling.
    """

    value: float
    psi: FloatArray
    grain: float = 0.0
    bias: float = 0.0
    why: str = ""
    se: float | None = None

    @property
    def known(self) -> bool:
        """Whether the metric is defined on these rows."""
        return math.isfinite(self.value)

    def error(self) -> tuple[float, int]:
        """Return the standard error under dependence of neighbours, and its degrees of freedom; see `block_se`."""
        se, freedom = _block_se(self.psi) if self.se is None else (self.se, BLOCKS - 1)
        return float(max(se, OTHERWISE * self.grain)), freedom

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the lower and the upper bound, each wrong with probability `alpha`; infinite on too few rows."""
        se, freedom = self.error()
        if not self.known or not math.isfinite(se):
            return -math.inf, math.inf
        width = se * t_quantile(alpha, freedom)
        return float(self.value - self.bias - width), float(self.value + width)


def _block_se(psi: FloatArray) -> tuple[float, int]:
    """Return the standard error in the influence's own size, so that the squares of huge errors stay finite."""
    size = float(np.abs(psi).max(initial=0.0))
    if not math.isfinite(size):
        return math.inf, 1
    se, freedom = block_se(psi / (size or 1.0))
    return se * (size or 1.0), freedom


def undefined(rows: int, why: str) -> Measured:
    """Return a metric that has no value on these rows."""
    return Measured(value=math.nan, psi=np.zeros(rows), why=why)


def mean(rows: FloatArray, *, counts: bool = False) -> Measured:
    """Return the mean of a value a row; `counts` where the values are 0 and 1."""
    value = float(rows.mean())
    return Measured(value=value, psi=np.asarray(rows - value, np.float64), grain=1 / len(rows) if counts else 0.0)


def ratio(above: FloatArray, below: FloatArray, *, counts: bool = False, why: str) -> Measured:
    """Return the sum of one value over the sum of another; `why` says what it means where that is zero."""
    total = float(below.sum())
    if not total:
        return undefined(len(below), why)
    value = float(above.sum()) / total
    psi = np.asarray((above - value * below) * (len(below) / total), np.float64)
    return Measured(value=value, psi=psi, grain=1 / total if counts else 0.0)
