"""What a test can see: the smallest change it finds from so many rows, and how many rows a change needs.

A test here calls a change when its lower confidence bound passes a floor: effect − width > floor. The width may itself
be estimated, so it is held as many equally likely values: with few blocks, what is found varies with what they show.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.stats.burn import PACE_LEVEL
from setpoint.stats.intervals import t_quantile

FloatArray = NDArray[np.float64]

MOST_ROWS = 10**9  # more are no answer
PRECISE = 200  # part of a number of rows that it is found to
STEPS = 32  # of a bisection


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A test of an effect whose estimate varies by chance.

    Parameters
    ----------
    floor : float
        What nobody minds, in the unit of the effect.
    sd : float
        Standard deviation of the estimated effect.
    widths : ndarray of shape (n,)
        Equally likely half widths of its interval, same unit.
    """

    floor: float
    sd: float
    widths: FloatArray

    def power(self, change: float) -> float:
        """Return how likely a change of this size is called."""
        above = change - self.floor - self.widths
        if self.sd <= 0:
            return float((above > 0).mean())
        return float(special.ndtr(above / self.sd).mean())

    def smallest(self, power: float = 0.8) -> float:
        """Return the smallest change that is called with this probability; infinite where none is."""
        if not np.isfinite(self.widths).all() or not math.isfinite(self.sd):
            return math.inf
        if len(self.widths) == 1:
            return self.floor + float(self.widths[0]) + float(special.ndtri(power)) * self.sd
        low, high = self.floor, self.floor + float(self.widths.max()) + 10 * self.sd
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.power(middle) >= power else (middle, high)
        return high


def fixed(width: float) -> FloatArray:
    """Return the widths of a test whose width is known beforehand."""
    return np.array([width])


def interval_widths(se: float, alpha: float, blocks: int) -> FloatArray:
    """Return half widths that the mean of a stretch of rows has by its block means; see `intervals.block_se`.

    Parameters
    ----------
    se : float
        True standard error of the mean.
    alpha : float
        One-sided error.
    blocks : int
        Block means that the error is estimated from; their deviation and the correlation they seem to have vary.
    """
    if blocks < 2:
        return fixed(math.inf)
    spread, inflation = _chance(blocks)
    return np.asarray(se * spread * np.sqrt(inflation) * t_quantile(alpha, blocks - 1), np.float64)


def step_widths(sd: float, alpha: float, blocks: int, *, usual: float = 0.0, least: float = 0.0) -> FloatArray:
    """Return half widths that a new block has by the blocks before it; see `blocks.step`.

    Parameters
    ----------
    sd : float
        True standard deviation of a block.
    alpha : float
        One-sided error.
    blocks : int
        How many came before.
    usual : float
        Deviation known from elsewhere.
    least : float
        Standard errors that the width has at least.
    """
    if blocks < 2:
        return fixed(math.inf)
    spread, inflation = _chance(blocks)
    variance = np.square(sd * spread)
    variance = np.maximum(variance, (variance + usual**2) / 2)
    se = np.sqrt(variance * (1 + np.minimum(1, inflation / blocks)))
    return np.asarray(se * max(t_quantile(alpha, blocks - 1), least), np.float64)


@lru_cache(maxsize=64)
def _chance(blocks: int) -> tuple[FloatArray, FloatArray]:
    """Return what independent normal blocks may show: deviations as factors, and inflations by seeming correlation.

    The lag-one correlation of n independent values has mean −1/n and variance (n − 2)²/(n²(n − 1)) (P. A. P. Moran,
    "Some theorems on time series II", Biometrika 35, 1948); `intervals.inflation` adds the 1/n again.
    """
    spread = np.sqrt(special.chdtri(blocks - 1, 1 - _middles(64)) / (blocks - 1))
    sd = (blocks - 2) / (blocks * math.sqrt(blocks - 1))
    rho = np.clip(sd * special.ndtri(_middles(32)), 0.0, 0.95)
    spread, rho = np.broadcast_arrays(spread[:, None], rho)
    return spread.ravel(), ((1 + rho) / (1 - rho)).ravel()


def _middles(count: int) -> FloatArray:
    return (np.arange(count) + 0.5) / count


def least_hits(rows: int, limit: float, alpha: float) -> int | None:
    """Return the fewest rows of all whose lower Clopper–Pearson bound passes a limit; None where not even all do."""
    if limit >= 1 or rows < 1 or special.betainc(rows, 1, limit) >= alpha:
        return None
    low, high = 0, rows
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if special.betainc(middle, rows - middle + 1, limit) < alpha else (middle, high)
    return high


def at_least(hits: int, rows: int, share: float) -> float:
    """Return the probability that so many of independent rows count, or more."""
    return 1.0 if hits <= 0 else float(special.betainc(hits, rows - hits + 1, share))


def smallest_share(rows: int, limit: float, alpha: float, power: float = 0.8) -> float:
    """Return the smallest true share whose lower Clopper–Pearson bound passes a limit with this probability (exact).

    Infinite where no share does: too few rows.
    """
    hits = least_hits(rows, limit, alpha)
    return math.inf if hits is None else float(special.betaincinv(hits, rows - hits + 1, power))


def smallest_pace(rows: int, short_rows: int, allowed: float, rate: float, alpha: float, power: float = 0.8) -> float:
    """Return the smallest share of failures that `burn.burns` calls with this probability once it lasts a long window.

    Parameters
    ----------
    rows, short_rows : int
        Requests of the long and of the short window. The short one is part of the long one; to take them as
        independent errs to the safe side.
    allowed, rate : float
        Share that may fail, and the pace in multiples of it.
    """
    pace = rate * allowed
    missed, fast = least_hits(rows, allowed, alpha), least_hits(rows, pace, max(PACE_LEVEL, alpha))
    if missed is None or fast is None or short_rows < 1:
        return math.inf
    now = math.floor(pace * short_rows) + 1
    low, high = allowed, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = at_least(max(missed, fast), rows, middle) * at_least(now, short_rows, middle)
        low, high = (low, middle) if found >= power else (middle, high)
    return high


def rows_needed(smallest: Callable[[int], float], change: float, fewest: int = 1) -> int | None:
    """Return the fewest rows from which a change is found; None where a billion do not find it.

    Parameters
    ----------
    smallest : callable
        Rows → the smallest change that is found from them; it falls with the rows.
    fewest : int
        Rows below which the test says nothing.
    """
    if not smallest(MOST_ROWS) <= change:
        return None
    low, high = fewest - 1, MOST_ROWS
    while high - low > max(1, high // PRECISE):
        middle = max(math.isqrt(max(low, 1) * high), low + 1)
        low, high = (low, middle) if smallest(middle) <= change else (middle, high)
    return high
