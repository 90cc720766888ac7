"""How many rows weigh as one, kept up row by row: rows of one unit, and rows that are neighbours."""

import math

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.wealth import Blocks, Sums, Units
from setpoint.stats.paired import LARGEST_CORRELATION

FloatArray = NDArray[np.float64]

BUCKETS = 256
FEWEST_BLOCKS = 16  # and at most twice as many


def added(sums: Sums, x: FloatArray) -> Sums:
    """Return the sums with more numbers."""
    return Sums(
        rows=sums.rows + len(x), total=sums.total + float(x.sum()), squares=sums.squares + float(np.square(x).sum())
    )


def by_units(units: Units, x: FloatArray, unit: NDArray[np.int64]) -> tuple[Units, FloatArray]:
    """Return the state after more rows, and after each of them the factor by which units inflate the variance.

    The rows of a unit have the same version, so they are wrong together. Units are thrown into 256 buckets: as long as
    they have nothing to do with each other, the variance of the buckets' sums is that of the units' sums. At least 1.

    Parameters
    ----------
    x : ndarray of shape (n,), float64
    unit : ndarray of shape (n,), int64
        The same number for the rows of one unit; well mixed, as a hash.
    """
    if not len(x):
        return units, np.empty(0)
    start = np.array(units.buckets or (0.0,) * BUCKETS)
    bucket = unit % BUCKETS
    before = _sums_before(x, bucket) + start[bucket]
    squares = float(np.square(start).sum()) + np.cumsum(x * (2 * before + x))
    total = units.whole.total + np.cumsum(x)
    own = units.whole.squares + np.cumsum(np.square(x))
    between = (squares - np.square(total) / BUCKETS) * BUCKETS / (BUCKETS - 1)
    path = np.maximum(1.0, np.divide(between, own, out=np.ones(len(x)), where=own > 0))
    buckets = start + np.bincount(bucket, weights=x, minlength=BUCKETS)
    after = Units(buckets=tuple(buckets.tolist()), whole=added(units.whole, x), inflation=float(path[-1]))
    return after, path


def _sums_before(x: FloatArray, group: NDArray[np.int64]) -> FloatArray:
    """Return for each row the sum of the earlier rows of its group."""
    order = np.argsort(group, kind="stable")
    running = np.cumsum(x[order]) - x[order]
    first = np.concatenate([[True], np.diff(group[order]) != 0])
    offset = running[first][np.cumsum(first) - 1]
    before = np.empty(len(x))
    before[order] = running - offset
    return before


def by_neighbours(blocks: Blocks, x: FloatArray) -> tuple[Blocks, FloatArray]:
    """Return the state after more rows, and after each of them the factor by which likeness inflates the variance.

    Sixteen to thirty-two block means give the variance, and what correlation is left between neighbouring blocks adds
    to it, as in `paired.variance_inflation`. It moves when a block is full. At least 1.
    """
    path = np.empty(len(x))
    at = 0
    while at < len(x):
        stop = min(at + blocks.size - blocks.filled, len(x))
        path[at:stop] = blocks.inflation
        blocks = _filled(blocks, x[at:stop])
        path[stop - 1] = blocks.inflation
        at = stop
    return blocks, path


def _filled(blocks: Blocks, x: FloatArray) -> Blocks:
    """Return the state after rows that fill a block at most."""
    whole, part, filled = added(blocks.whole, x), blocks.part + float(x.sum()), blocks.filled + len(x)
    if filled < blocks.size:
        return Blocks(
            size=blocks.size,
            sums=blocks.sums,
            part=part,
            filled=filled,
            whole=whole,
            inflation=blocks.inflation,
        )
    size, sums = blocks.size, (*blocks.sums, part)
    if len(sums) == 2 * FEWEST_BLOCKS:
        sums = tuple(a + b for a, b in zip(sums[::2], sums[1::2], strict=True))
        size *= 2
    return Blocks(size=size, sums=sums, whole=whole, inflation=_inflation(np.array(sums) / size, size, whole))


def _inflation(means: FloatArray, size: int, whole: Sums) -> float:
    blocks = len(means)
    own = whole.squares / whole.rows - (whole.total / whole.rows) ** 2
    around = means - means.mean()
    squares = float(np.square(around).sum())
    if blocks < FEWEST_BLOCKS // 2 or squares == 0.0 or own <= 1e-12 * whole.squares / whole.rows:
        return 1.0
    raw = float((around[1:] * around[:-1]).sum()) / squares
    correlation = min(max((raw * blocks + 1) / (blocks - 4), 0.0), LARGEST_CORRELATION)
    variance = squares / (blocks - 3)  # evidence is divided by it: E[1/s²] = (k / (k − 2)) / σ², k = blocks − 1
    inflation = max(1.0, variance * size / own) * (1 + correlation) / (1 - correlation)
    return inflation if math.isfinite(inflation) else 1.0
