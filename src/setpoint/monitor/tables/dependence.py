"""How many dependent rows are worth one: design effects of a column, from the order of its rows."""

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.intervals import block_means

WATCHED = 20_000  # rows of a stretch that neighbours are compared in, and of a sample that spans the whole table
BLOCKS = 20
UNLIKELY = 2.4  # times its expectation: what the variance of 20 block means passes in 1 case of 1,000

FloatArray = NDArray[np.float64]


def stretch(rows: int) -> slice:
    """Return the rows in the middle of a table that neighbours are compared in."""
    start = max((rows - WATCHED) // 2, 0)
    return slice(start, start + WATCHED)


def spread(rows: int) -> slice:
    """Return every k-th row, from the first to the last."""
    return slice(None, None, max(rows // WATCHED, 1))


def neighbours(scores: FloatArray) -> float:
    """Return the design effect of consecutive scores, shape (n,), at least 1.

    The larger of two: that of an AR(1) whose correlation is its estimate, mended for its bias and raised by two
    standard errors; and 1 + 2 Σ ρ_k over the initial positive pairs (Geyer, "Practical Markov chain Monte Carlo",
    1992).
    """
    n = len(scores)
    centred = scores - scores.mean() if n else scores
    power = float(centred @ centred)
    if n < 4 or scores.min() == scores.max() or not 0 < power < np.inf:
        return 1.0
    size = 1 << int(2 * n - 1).bit_length()
    rho = np.fft.irfft(np.square(np.abs(np.fft.rfft(centred, size))), size)[: n // 4 + 2] / power
    first = min(float(rho[1]) + (1 + 3 * max(float(rho[1]), 0.0)) / n, 1.0)
    first = min(max(first + 2 * np.sqrt((1 - min(first, 1.0) ** 2) / n), 0.0), 0.999)
    pairs = rho[1:-1:2] + rho[2::2] if len(rho) > 3 else rho[1:2]
    ends = np.flatnonzero(pairs <= 0)
    return float(max((1 + first) / (1 - first), 1 + 2 * pairs[: ends[0] if len(ends) else None].sum(), 1.0))


def wandering(scores: FloatArray, rows: int, near: float) -> float:
    """Return what is left of the design effect over long stretches: movement that neighbours do not show.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Every k-th row of a table of `rows`.
    near : float
        The design effect of neighbours.
    """
    n = len(scores)
    variance = float(scores.var()) if n else 0.0
    if n < 4 * BLOCKS or not 0 < variance < np.inf:
        return 0.0
    expected = max(near * n / rows, 1.0) * variance * BLOCKS / n
    found = float(block_means(scores, BLOCKS).var(ddof=1))
    return rows / BLOCKS * (found - expected) / variance if found > UNLIKELY * expected else 0.0
