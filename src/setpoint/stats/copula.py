"""What columns do together, what each does alone set aside: copula scores, correlations, reconstruction.

Stretches of both samples are mapped to normal scores by their own ranks (ties at random), so that each column has the
same distribution everywhere, and whatever still differs is a change of relation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.stats.intervals import inflation, t_quantile

FloatArray = NDArray[np.float64]
Column = NDArray[np.generic]

BLOCKS = 20  # consecutive stretches that tell how much a statistic moves by itself
FOLDS = 5
EXPLAINED = 0.65  # of the variance, by the components that reconstruct


def copula_scores(columns: Mapping[str, Column], like: Mapping[str, Column], rng: np.random.Generator) -> FloatArray:
    """Return normal scores of each column's ranks within its own stretch of the sample, shape (n, n_columns).

    There are `FOLDS` stretches, those that the classifier is judged on: with ranks of the whole sample, what a stretch
    has too much of the others would lack, and the classifier would learn that.

    Parameters
    ----------
    columns : Mapping of ndarray, shape (n,)
        float64, or object holding texts and None.
    like : Mapping of ndarray, shape (m,)
        The sample that orders the levels of texts: by how frequent they are in it. Nulls come first.
    rng : numpy.random.Generator
        Breaks ties, also between equal levels: the distributional transform (Rüschendorf, J. Statist. Plann. Inference
        139, 2009).
    """
    out = np.empty((len(next(iter(columns.values()))), len(columns)))
    for at, (name, column) in enumerate(columns.items()):
        values = _coded(column, like[name]) if column.dtype == object else np.nan_to_num(column, nan=-np.inf)
        stretch = stretches(len(values))
        order = np.lexsort((rng.random(len(values)), values, stretch))
        sizes = np.bincount(stretch, minlength=FOLDS)
        within = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
        out[order, at] = special.ndtri(within)
    return out


def stretches(rows: int) -> NDArray[np.int64]:
    """Return the number of each row's stretch, 0 to `FOLDS` − 1."""
    return np.arange(rows) * FOLDS // max(rows, 1)


def _coded(column: Column, like: Column) -> FloatArray:
    levels, counts = np.unique([v for v in like if v is not None] or [""], return_counts=True)
    number = {level: float(rank) for rank, level in enumerate(levels[np.argsort(counts, kind="stable")])}
    return np.array([-1.0 if v is None else number.get(v, float(len(levels))) for v in column])


@dataclass(frozen=True, slots=True)
class Compared:
    """A statistic in two samples: what it is in both, and how wide its natural difference is, at a level."""

    before: FloatArray
    after: FloatArray
    width: FloatArray

    @property
    def low(self) -> FloatArray:
        """How much it surely changed."""
        return np.asarray(np.maximum(np.abs(self.after - self.before) - self.width, 0.0), np.float64)


def moved(before: FloatArray, after: FloatArray, alpha: float) -> Compared:
    """Compare the means of two series of rows, allowing for dependence and for what moves by itself.

    The variance of the difference is that of both means (by consecutive blocks), and of how a stretch as long as a
    block differs from the whole beyond sampling: the later sample is one stretch of its own.

    Parameters
    ----------
    before, after : ndarray of shape (n, ...), float64
        Rows in time order; at least 2 · `BLOCKS` in each.
    alpha : float
        Two-sided error of one comparison.
    """
    means = [_blocks(rows) for rows in (before, after)]
    spread = [m.var(axis=0, ddof=1) for m in means]
    within = before.var(axis=0) * BLOCKS / len(before)
    natural = np.maximum(spread[0] - within, 0.0)
    widened = [s * inflation(m.reshape(BLOCKS, -1)).reshape(s.shape) for s, m in zip(spread, means, strict=True)]
    se = np.sqrt(sum(widened) / BLOCKS + natural)
    return Compared(before.mean(axis=0), after.mean(axis=0), t_quantile(alpha / 2, BLOCKS - 1) * se)


def _blocks(rows: FloatArray) -> FloatArray:
    edges = np.linspace(0, len(rows), BLOCKS + 1).astype(int)
    sums = np.add.reduceat(rows, edges[:-1], axis=0)
    return np.asarray(sums / np.diff(edges).reshape(-1, *[1] * (rows.ndim - 1)), np.float64)


def correlations(before: FloatArray, after: FloatArray, alpha: float) -> tuple[Compared, NDArray[np.int64]]:
    """Compare the correlation of every pair of columns of two samples of scores; return them, and the pairs (n, 2).

    Each pair has its own share of `alpha`.
    """
    pairs = np.array(np.triu_indices(before.shape[1], 1)).T.astype(np.int64)
    found = [
        moved(_agreement(before, part), _agreement(after, part), alpha / max(len(pairs), 1))
        for part in np.array_split(pairs, max(len(pairs) // 200, 1))
    ]
    whole = Compared(*(np.concatenate([getattr(c, f) for c in found]) for f in ("before", "after", "width")))
    return whole, pairs


def _agreement(scores: FloatArray, pairs: NDArray[np.int64]) -> FloatArray:
    """Return values of rows whose mean is the correlation, less what a stretch with large scores would add to it."""
    a, b = scores[:, pairs[:, 0]], scores[:, pairs[:, 1]]
    products = a * b
    return np.asarray(products - products.mean(axis=0) * ((np.square(a) + np.square(b)) / 2 - 1.0), np.float64)


def reconstruction(before: FloatArray, after: FloatArray, alpha: float) -> Compared:
    """Compare how well principal components of the first half of `before` reconstruct its second half, and `after`.

    The error of a row is the squared distance from its reconstruction, in standard deviations of that error.
    """
    learnt, kept = np.array_split(before, 2)
    values, vectors = np.linalg.eigh(learnt.T @ learnt / len(learnt))
    count = int(np.searchsorted(np.cumsum(values[::-1]) / values.sum(), EXPLAINED)) + 1
    rest = vectors[:, : before.shape[1] - count]
    errors = [np.square(part @ rest).sum(axis=1) for part in (kept, after)]
    scale = float(errors[0].std()) or 1.0
    return moved(errors[0] / scale, errors[1] / scale, alpha)


def even(rows: int, most: int) -> NDArray[np.int64]:
    """Return at most so many row numbers, evenly spread."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))
