"""Numbers outside the reference, counted by size: buckets whose ends are a fixed factor apart.

A quantile bin says of a number beyond the last edge only that it is there; a change of unit puts most numbers there.
Buckets of a fixed relative width, as in Masson, Rim & Lee, "DDSketch" (PVLDB 2019), add up and keep the shape.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

EACH = 8  # buckets while numbers double: ends are 9 % apart
SMALLEST, LARGEST = -12, 20  # powers of two of the reference's largest edge that are told apart
WIDE = (LARGEST - SMALLEST) * EACH
FAR = 2 * WIDE  # buckets: negative numbers from far to near, then positive ones from near to far

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def far_of(numbers: FloatArray, edges: Sequence[float]) -> IntArray:
    """Return the bucket of each number, 0 to `FAR` - 1 in rising order; infinite ones are in the outer buckets."""
    with np.errstate(divide="ignore", over="ignore"):
        size = np.log2(np.abs(numbers) / _unit(edges))
    place = np.clip(np.floor((size - SMALLEST) * EACH), 0, WIDE - 1)
    return np.asarray(np.where(numbers < 0, WIDE - 1 - place, WIDE + place), np.int64)


def counts_up(counts: IntArray, edges: Sequence[float]) -> tuple[FloatArray, IntArray]:
    """Return numbers outside the edges, rising, and how many rows are at most each.

    The numbers are ends of the buckets in use, but of those that reach across an edge; `counts` hold all rows outside.
    Above the edges the count is negative: how many rows are larger.
    """
    found = np.flatnonzero(counts)
    below, rows = _end(found + 1, edges), counts[found]
    above = _end(found, edges)
    low, high = below <= edges[0], above >= edges[-1]
    larger = np.cumsum(rows[::-1])[::-1]
    return np.concatenate([below[low], above[high]]), np.concatenate([np.cumsum(rows)[low], -larger[high]])


def beyond(counts: IntArray, edges: Sequence[float], low: float, high: float) -> int:
    """Return how many rows are in buckets that lie wholly outside a range which holds the edges."""
    found = np.flatnonzero(counts)
    return int(counts[found[wholly_outside(found, edges, low, high)]].sum())


def wholly_outside(place: IntArray, edges: Sequence[float], low: float, high: float) -> NDArray[np.bool_]:
    """Return whether each bucket lies wholly outside a range which holds the edges."""
    return np.asarray((_end(place, edges) >= high) | (_end(place + 1, edges) <= low))


def middles(place: IntArray, edges: Sequence[float]) -> FloatArray:
    """Return a number in the middle of each bucket."""
    return _end(place, edges) / 2 + _end(place + 1, edges) / 2


def _end(place: IntArray, edges: Sequence[float]) -> FloatArray:
    """Return the lower end of a bucket."""
    if not len(place):
        return np.zeros(0)
    size = np.where(place < WIDE, WIDE - place, place - WIDE) / EACH + SMALLEST
    with np.errstate(over="ignore"):
        end = np.copysign(2.0**size * _unit(edges), place - WIDE)
    return np.asarray(np.where(place == WIDE, 0.0, end), np.float64)


def _unit(edges: Sequence[float]) -> float:
    """Return the power of two at the largest edge, which every profile of the column shares."""
    largest = max((abs(edge) for edge in edges), default=1.0)
    return 2.0 ** float(np.clip(np.floor(np.log2(largest)), -1_022, 1_023)) if 0 < largest < np.inf else 1.0
