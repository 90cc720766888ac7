"""Whether values differ more often than is allowed, and than they did: exact tests."""

import numpy as np
from numpy.typing import NDArray
from scipy import special


def fewest_beyond(rows: int, usual: tuple[int, int], floor: float, alpha: float) -> int:
    """Return the fewest differing rows of `rows` that say more than `floor`, and more than usual, differ.

    Both null hypotheses must be rejected, so each may be tested at `alpha` (intersection–union): the share is at most
    `floor` (binomial tail), and it is no larger than the usual one (hypergeometric tail, Fisher's exact test). Where
    nothing differed before, the first one is the stricter.

    Parameters
    ----------
    usual : tuple of int
        Rows that differed before, and rows that were compared.

    Returns
    -------
    int
        `rows` + 1 where no number is enough.
    """
    first, last = 1, rows + 1
    while first < last:  # the more differ, the less likely
        middle = (first + last) // 2
        if _beyond(middle, rows, usual, floor) < alpha:
            last = middle
        else:
            first = middle + 1
    return first


def _beyond(count: int, rows: int, usual: tuple[int, int], floor: float) -> float:
    """Return how likely no fewer of `rows` differ, under the null hypothesis that fits better."""
    differ, compared = usual
    allowed = float(special.betainc(count, rows - count + 1, floor))
    if not differ:
        return allowed
    drawn = np.arange(count, min(rows, count + differ) + 1)
    ways = _log_choose(rows, drawn) + _log_choose(compared, count + differ - drawn)
    total = _log_choose(rows + compared, np.array(count + differ))
    return max(allowed, float(np.exp(special.logsumexp(ways - total))))


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    fits = (k >= 0) & (k <= n)
    inside = np.where(fits, k, 0)
    logs = special.gammaln(n + 1) - special.gammaln(inside + 1) - special.gammaln(n - inside + 1)
    return np.asarray(np.where(fits, logs, -np.inf))
