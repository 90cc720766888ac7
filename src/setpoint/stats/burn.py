"""How fast a budget of failures is spent, judged by counts."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

PACE_LEVEL = 0.05  # how often the pace of an objective that is missed may be called too high


def burns(
    bad: ArrayLike, rows: ArrayLike, short_share: ArrayLike, allowed: float, rate: float, alpha: float
) -> NDArray[np.bool_]:
    """Whether a budget is surely spent at a rate, and still is.

    Two bounds: that the objective is missed at all is wrong with probability `alpha`, which is what a false alarm is;
    that the pace is beyond `rate` with probability 0.05. To ask both of the strict level would find an outage of 2 % in
    150 minutes where this takes 55, see the simulation beside the tests.

    Parameters
    ----------
    bad, rows : array_like of float
        Failures and requests of the long window.
    short_share : array_like of float
        Share of the short window that failed: as it is, for it only tells whether it goes on. NaN, where nobody asked
        since, tells nothing: what was so last still is.
    allowed : float
        Share that may fail; `rate` times it is the pace.
    """
    pace = rate * allowed
    missed = surely_above(bad, rows, allowed, alpha)
    return missed & surely_above(bad, rows, pace, max(PACE_LEVEL, alpha)) & ~(np.asarray(short_share) <= pace)


def surely_above(hits: ArrayLike, rows: ArrayLike, share: float, alpha: float) -> NDArray[np.bool_]:
    """Whether the lower Clopper-Pearson bound of `hits` of `rows` lies above a share, wrong with probability `alpha`.

    Parameters
    ----------
    hits, rows : array_like of float, broadcastable
        Fractions are allowed (effective rows of a dependent stream). No rows are above nothing.
    share : float
        Between 0 and 1; nothing is surely above 1.
    alpha : float
        One-sided error.

    Returns
    -------
    ndarray of bool
    """
    k, n = np.broadcast_arrays(np.asarray(hits, np.float64), np.asarray(rows, np.float64))
    above: NDArray[Any] = np.zeros(k.shape, bool)
    if share >= 1.0:
        return above
    likely = k > share * n  # the rest needs no tail
    above[likely] = special.betainc(k[likely], n[likely] - k[likely] + 1, share) < alpha  # P(this many | share)
    return above
