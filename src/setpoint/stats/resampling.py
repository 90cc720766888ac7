"""The standard error of any number by resampling rows in blocks, where no influence of single rows is known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.quality.measured import BLOCKS, FloatArray

REPLICATES = 100


def moving_blocks(
    number: Callable[[NDArray[np.int64]], float], rows: int, *, seed: int, replicates: int = REPLICATES
) -> FloatArray:
    """Return a number recomputed on resampled rows, shape (replicates,); its standard deviation is the error.

    A replicate is made of twenty stretches of consecutive rows, each beginning anywhere, so that neighbours stay
    neighbours.

    Parameters
    ----------
    number : callable
        Takes the places of rows, shape (rows,).

    References
    ----------
    H. R. Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of Statistics 17, 1989.
    """
    rng = np.random.default_rng(seed)
    length = max(1, rows // BLOCKS)
    starts = rng.integers(0, rows - length + 1, size=(replicates, -(-rows // length)))
    places = (starts[:, :, None] + np.arange(length)).reshape(replicates, -1)[:, :rows]
    return np.array([number(one) for one in places], np.float64)
