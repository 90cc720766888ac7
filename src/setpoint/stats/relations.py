"""Equations that hold between columns of numbers: sums, products, and one column as another times a constant."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PROBES = 48  # rows that an equation must hold on before it is looked at closely
MOST_COLUMNS = 100  # that pairs of are formed of; triples of half as many
EXACT = 1e-9  # of a column's size
AGREED = 0.95  # share of probes
DECIMALS = (1, 2, 3, 4)  # a column may be rounded to
COARSE = 0.02  # of the deviation: a column rounded as coarsely as this would agree with anything


def tolerance(x: FloatArray) -> FloatArray:
    """Return how far a computed value may lie from each column's, shape (n_columns,): rounding, if it shows any."""
    size = np.max(np.abs(x), axis=0, initial=0.0, where=np.isfinite(x))
    return np.array([_rounding(x[:, at]) or EXACT * size[at] for at in range(x.shape[1])], np.float64)


def _rounding(column: FloatArray) -> float:
    """Return one unit in the last decimal of a column that is rounded finely; 0 if it is not rounded."""
    values = column[np.isfinite(column)]
    if not len(values) or np.array_equal(values, np.round(values)):
        return 0.0
    unit = next((10.0**-k for k in DECIMALS if np.allclose(values, np.round(values, k), rtol=1e-12, atol=1e-9)), 0.0)
    return unit if unit < COARSE * float(values.std()) else 0.0


def sums(x: FloatArray) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield the terms and the total of sums of two and three columns that the probes agree with.

    Parameters
    ----------
    x : ndarray of shape (n, n_columns), float64
        NaN for null; the first `MOST_COLUMNS` columns are looked at.
    """
    probes = _probes(x)
    explained: set[int] = set()
    for size, most in ((2, MOST_COLUMNS), (3, MOST_COLUMNS // 2)):
        terms = _chosen(x, most, size)
        for found in _agreeing(probes[:, terms].sum(axis=2), terms, probes, tolerance(x)):
            if size == 2 or found[1] not in explained:
                explained.add(found[1])
                yield found


def products(x: FloatArray) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield the factors and the product of every two columns whose product the probes agree is a third; see `sums`."""
    probes = _probes(x)
    terms = _chosen(x, MOST_COLUMNS, 2)
    yield from _agreeing(probes[:, terms].prod(axis=2), terms, probes, tolerance(x))


def lines(x: FloatArray) -> Iterator[tuple[int, int, float, float]]:
    """Yield (of, to, scale, offset) where the probes agree that one column is another one in another unit."""
    probes, near = _probes(x), tolerance(x)
    for of, to in combinations(range(x.shape[1]), 2):
        pair = probes[np.isfinite(probes[:, [of, to]]).all(axis=1)][:, [of, to]]
        if len(np.unique(pair[:, 0])) < 3 or len(np.unique(pair[:, 1])) < 3:
            continue
        low, high = np.argmin(pair[:, 0]), np.argmax(pair[:, 0])
        scale = (pair[high, 1] - pair[low, 1]) / (pair[high, 0] - pair[low, 0])
        scale = float(f"{scale:.6g}")
        offset = float(f"{np.median(pair[:, 1] - scale * pair[:, 0]):.6g}")
        if scale and (np.abs(scale * pair[:, 0] + offset - pair[:, 1]) <= 2 * near[to]).mean() >= AGREED:
            yield of, to, scale, offset


def _probes(x: FloatArray) -> FloatArray:
    """Return rows from all over the table, those with fewest nulls first."""
    filled = np.isfinite(x).sum(axis=1)
    fullest = np.flatnonzero(filled >= np.quantile(filled, 0.75)) if len(x) else np.arange(0)
    which = fullest[np.linspace(0, len(fullest) - 1, min(PROBES, len(fullest))).astype(int)]
    return np.asarray(x[which], np.float64)


def _chosen(x: FloatArray, most: int, size: int) -> NDArray[np.int64]:
    """Return every choice of so many of the first columns, shape (n_choices, size)."""
    return np.array(list(combinations(range(min(x.shape[1], most)), size)), np.int64).reshape(-1, size)


def _agreeing(
    computed: FloatArray, terms: NDArray[np.int64], probes: FloatArray, near: FloatArray
) -> Iterator[tuple[tuple[int, ...], int]]:
    for total in range(probes.shape[1]):
        apart = np.abs(computed - probes[:, total : total + 1])
        known = np.isfinite(apart).sum(axis=0)
        hits = (apart <= near[total] + EXACT * np.abs(computed)).sum(axis=0)
        good = (known >= PROBES // 4) & (hits >= AGREED * np.maximum(known, 1)) & ~(terms == total).any(axis=1)
        yield from ((tuple(terms[at].tolist()), total) for at in np.flatnonzero(good))
