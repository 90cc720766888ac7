"""Whether values differ more often than is allowed, and than they did: exact tests."""

from typing import cast

import numpy as np
from scipy import stats


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
    differ, compared = usual
    counts = np.arange(1, rows + 1)
    beyond = stats.binom.sf(counts - 1, rows, floor)
    if differ:
        beyond = np.maximum(beyond, stats.hypergeom.sf(counts - 1, rows + compared, counts + differ, rows))
    found = np.flatnonzero(beyond < alpha)
    return cast(int, counts[found[0]].item()) if len(found) else rows + 1
