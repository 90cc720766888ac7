"""What a model's answers rest on: how much they move when a column is shuffled, and whether that has changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.intervals import t_quantile

FloatArray = NDArray[np.float64]
Column = NDArray[np.generic]
Ask = Callable[[Mapping[str, Column]], FloatArray]

BLOCKS = 20
DRAWS = 200


def effects(columns: Mapping[str, Column], ask: Ask, rng: np.random.Generator) -> FloatArray:
    """Return by how much each answer moves when one column is shuffled among the rows, shape (n, n_columns).

    Parameters
    ----------
    columns : Mapping of ndarray, shape (n,)
    ask : callable
        The model's scores of such columns, shape (n,). It is asked once for each column, and once more.

    References
    ----------
    A. Fisher, C. Rudin and F. Dominici, "All models are wrong, but many are useful", JMLR 20 (177), 2019; with the
    model's own answer in place of the outcome.
    """
    plain = ask(columns)
    out = np.empty((len(plain), len(columns)))
    for at, (name, column) in enumerate(columns.items()):
        out[:, at] = np.abs(ask({**columns, name: rng.permutation(column)}) - plain)
    return out


@dataclass(frozen=True, slots=True)
class Shares:
    """Each column's share of the attribution in two samples, and how wide their natural difference is, (n_columns,)."""

    before: FloatArray
    after: FloatArray
    width: FloatArray

    @property
    def low(self) -> FloatArray:
        """How much each share surely changed."""
        return np.asarray(np.maximum(np.abs(self.after - self.before) - self.width, 0.0), np.float64)


def shares(before: FloatArray, after: FloatArray, alpha: float, rng: np.random.Generator) -> Shares:
    """Compare shares of attribution; the error by bootstrap of blocks, and what the first's halves differ by.

    Parameters
    ----------
    before, after : ndarray of shape (n, n_columns), float64
        As `effects` returns them, rows in time order.
    alpha : float
        Two-sided error of one column.
    """
    drawn = [_drawn(part, rng) for part in (before, after)]
    se = np.sqrt(sum(np.var(d, axis=0, ddof=1) for d in drawn))
    halves = [_share(half.mean(axis=0)) for half in np.array_split(before, 2)]
    natural = np.abs(halves[1] - halves[0])
    width = np.maximum(t_quantile(alpha / 2, BLOCKS - 1) * se, natural)
    return Shares(_share(before.mean(axis=0)), _share(after.mean(axis=0)), width)


def _share(means: FloatArray) -> FloatArray:
    whole = means.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(means, whole, out=np.zeros_like(means), where=whole > 0), np.float64)


def _drawn(rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the shares of resampled blocks, shape (n_draws, n_columns)."""
    means = np.array([block.mean(axis=0) for block in np.array_split(rows, min(BLOCKS, len(rows)))])
    return _share(means[rng.integers(0, len(means), (DRAWS, len(means)))].mean(axis=1))


def ranking_kept(before: FloatArray, after: FloatArray) -> float:
    """Return how well the later attributions rank the columns, 0 to 1: the nDCG with the earlier ones as relevance.

    References
    ----------
    D. Nigenda et al., "Amazon SageMaker Model Monitor", KDD 2022: below 0.9 they alert.
    """
    discount = 1 / np.log2(np.arange(len(before)) + 2)
    ideal = float(np.sort(before)[::-1] @ discount)
    return float(before[np.argsort(-after, kind="stable")] @ discount) / ideal if ideal > 0 else 1.0
