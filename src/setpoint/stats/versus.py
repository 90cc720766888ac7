"""How much better one of two versions is, at any time one likes to look: differences with confidence sequences."""

import math

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column
from setpoint.domain.value import value
from setpoint.stats.betting import display_half_width
from setpoint.stats.paired import variance_inflation

FEWEST = 30  # rows of either, below which nothing is said
FEWEST_OF_STRATUM = 3
UNSURE, SUREST = 0.5, 1e-6  # errors between which certainty is looked for


@value
class Versus:
    """What two versions, a and b, cost on average, and how much more a does: the bounds hold at all times at once.

    `certainty` is the largest level at which the bounds leave zero out; 0 where they do at none worth the name.
    """

    rows_a: int
    rows_b: int
    mean_a: float
    mean_b: float
    difference: float
    low: float
    high: float
    certainty: float

    @property
    def better(self) -> str:
        """`a` or `b` where one surely costs less, else an empty text."""
        return "b" if self.low > 0 else "a" if self.high < 0 else ""


def paired(a: Column, b: Column, alpha: float) -> Versus | None:
    """Compare what both cost on the same rows; None below 30 of them.

    Watched after every 50 of 2,000 rows, an equal version is called better or worse in 1.3 % of 300 simulated runs at
    an `alpha` of 5 % (losses of a gamma or log-normal distribution; AR(1) with 0.7: 5 %); a z-test that is looked at
    as often in 31 to 32 % (99 %).

    Parameters
    ----------
    a, b : ndarray of shape (n,), float64
        Losses in time order, without NaN.
    alpha : float
        The chance that the bounds are ever wrong.
    """
    rows = len(a)
    if rows < FEWEST:
        return None
    gain = a - b
    se = math.sqrt(float(gain.var(ddof=1)) * variance_inflation(gain) / rows)
    return _versus(rows, rows, float(a.mean()), float(b.mean()), se, rows, alpha)


def shared(loss: Column, is_b: NDArray[np.bool_], stratum: NDArray[np.int64], alpha: float) -> Versus | None:
    """Compare what they cost on traffic that chance divided between them; None below 30 rows of either.

    Rows are compared within strata of equal share, and these are put together by how much each can tell: two pooled
    means would compare times, too, where a share grows. In 300 simulated runs in which losses grew with it, they were
    wrong in all, this in 1.3 %.

    Parameters
    ----------
    loss : ndarray of shape (n,), float64
        Losses in time order, without NaN.
    is_b : ndarray of shape (n,), bool
    stratum : ndarray of shape (n,), int64
        Numbers of stretches in which the share stayed the same.

    References
    ----------
    N. Mantel, W. Haenszel, "Statistical aspects of the analysis of data from retrospective studies of disease", JNCI
    22(4), 1959, for the weights.
    """
    names, place = np.unique(stratum, return_inverse=True)
    n_b = np.bincount(place, weights=is_b, minlength=len(names))
    n = np.bincount(place, minlength=len(names))
    usable = ((n_b >= FEWEST_OF_STRATUM) & (n - n_b >= FEWEST_OF_STRATUM))[place]
    loss, is_b, place = loss[usable], is_b[usable], place[usable]
    rows_a, rows_b = int((~is_b).sum()), int(is_b.sum())
    if min(rows_a, rows_b) < FEWEST:
        return None
    share, around = (n_b / n)[place], np.bincount(place, weights=loss, minlength=len(names)) / np.maximum(n, 1)
    away = loss - around[place]
    told = np.where(is_b, -away * (1 - share), away * share)
    weight = float((share * (1 - share)).sum())
    se = math.sqrt(len(told) * float(told.var(ddof=1)) * variance_inflation(told)) / weight
    mean_a = float((loss * share)[~is_b].sum()) / weight
    mean_b = float((loss * (1 - share))[is_b].sum()) / weight
    return _versus(rows_a, rows_b, mean_a, mean_b, se, len(told), alpha)


def _versus(rows_a: int, rows_b: int, mean_a: float, mean_b: float, se: float, rows: int, alpha: float) -> Versus:
    difference, half = mean_a - mean_b, display_half_width(se, rows, alpha)
    return Versus(
        rows_a=rows_a,
        rows_b=rows_b,
        mean_a=mean_a,
        mean_b=mean_b,
        difference=difference,
        low=difference - half,
        high=difference + half,
        certainty=certainty(difference, se, rows),
    )


def certainty(difference: float, se: float, rows: int) -> float:
    """Return the largest level at which a confidence sequence around a difference leaves zero out; 0: none."""
    if difference == 0 or display_half_width(se, rows, UNSURE) > abs(difference):
        return 0.0
    low, high = math.log(SUREST), math.log(UNSURE)
    for _ in range(40):
        middle = (low + high) / 2
        fits = display_half_width(se, rows, math.exp(middle)) <= abs(difference)
        low, high = (low, middle) if fits else (middle, high)
    return 1 - math.exp(high)
