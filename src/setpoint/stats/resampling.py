"""The standard error of any number by resampling rows in blocks, where no influence of single rows is known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.quality.measured import BLOCKS, FloatArray, Measured, undefined

REPLICATES = 100
ENOUGH = 20  # replicates for an error
SEED = 0  # the same rows have the same interval


def block_starts(rows: int) -> NDArray[np.int64]:
    """Return where the stretches of each replicate begin, shape (replicates, stretches); a stretch has rows // 20.

    References
    ----------
    H. R. Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of Statistics 17, 1989.
    """
    length = max(1, rows // BLOCKS)
    rng = np.random.default_rng(SEED)
    return rng.integers(0, rows - length + 1, size=(REPLICATES, -(-rows // length)))


def moving_blocks(number: Callable[[NDArray[np.int64]], float], rows: int) -> FloatArray:
    """Return a number recomputed on resampled rows, shape (replicates,).

    A replicate is made of twenty stretches of consecutive rows, each beginning anywhere, so that neighbours stay
    neighbours.

    Parameters
    ----------
    number : callable
        Takes the places of rows, shape (rows,).
    """
    inside = np.arange(max(1, rows // BLOCKS))
    return np.array([number((one[:, None] + inside).ravel()[:rows]) for one in block_starts(rows)], np.float64)


def resampled(value: float, replicates: FloatArray, rows: int) -> Measured:
    """Return a number with the error that its replicates show; too few of them show none.

    Simulated with the median of 400 rows of an AR(1) process: bounds at 5 % miss in 5 % of runs (independent rows), 6 %
    (correlation 0.6) and 7 % (0.8).
    """
    if not np.isfinite(value):
        return undefined(rows, "it is no finite number")
    finite = replicates[np.isfinite(replicates)]
    lost = np.sqrt(BLOCKS / (BLOCKS - 1))  # by stretches that vary around their own mean, not the true one
    se = float(finite.std(ddof=1) * lost) if len(finite) >= ENOUGH else float("inf")
    return Measured(value=value, psi=np.zeros(rows), se=se)
