"""A classifier that tells two samples apart by what their columns do together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from setpoint.stats.copula import BLOCKS, FOLDS, stretches
from setpoint.stats.intervals import block_se, t_quantile
from setpoint.stats.quality.ranks import roc_auc

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

FloatArray = NDArray[np.float64]

PRODUCTS = 20  # that the classifier is given


@dataclass(frozen=True, slots=True)
class Teller:
    """A classifier on the scores and on products of them.

    A tree sees nothing in one column of a pair whose columns look as they did: it takes the product. Of the products of
    two scores, of a score and another's spread, and of two spreads, those whose means differ most are given to it.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    model: "HistGradientBoostingClassifier"

    @classmethod
    def learnt(cls, x: FloatArray, y: FloatArray, seed: int) -> "Teller":
        """Choose the products and fit the classifier."""
        from sklearn.ensemble import HistGradientBoostingClassifier  # half a second, for those who have rows to tell

        terms, columns = _terms(x), x.shape[1]
        means = [terms[y == side].T @ terms[y == side] / (y == side).sum() for side in (0.0, 1.0)]
        apart = np.triu(np.abs(means[1] - means[0]), 1)
        rows = np.arange(columns)
        apart[rows, rows + columns] = 0.0  # a column with its own spread
        best = np.argsort(-apart, axis=None)[:PRODUCTS]
        left, right = np.unravel_index(best, apart.shape)
        model = HistGradientBoostingClassifier(
            max_iter=40, max_leaf_nodes=8, min_samples_leaf=40, random_state=seed, max_bins=32, early_stopping=False
        )
        teller = cls(left.astype(np.int64), right.astype(np.int64), model)
        model.fit(teller._seen(x), y)
        return teller

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return by how much each row looks like the second sample, as log odds."""
        return np.asarray(self.model.decision_function(self._seen(x)), np.float64)

    def _seen(self, x: FloatArray) -> FloatArray:
        terms = _terms(x)
        return np.column_stack([x, terms[:, self.left] * terms[:, self.right]])


def _terms(x: FloatArray) -> FloatArray:
    """Return scores and their spreads, each with variance one for normal scores, shape (n, 2 · n_columns)."""
    return np.column_stack([x, (np.square(x) - 1.0) / np.sqrt(2.0)])


@dataclass(frozen=True, slots=True)
class Told:
    """How well a classifier tells two samples apart out of fold: the area under the ROC curve, and its error."""

    auc: float
    se: float
    freedom: int
    models: tuple[Teller, ...]
    folds: NDArray[np.int64]

    def low(self, alpha: float) -> float:
        """Return the lower bound of the area."""
        return self.auc - self.se * t_quantile(alpha, self.freedom)


def told_apart(before: FloatArray, after: FloatArray, seed: int) -> Told:
    """Train a classifier to tell two samples apart, and judge it on stretches of time that it has not seen.

    Parameters
    ----------
    before, after : ndarray of shape (n, n_columns), float64
        Rows in time order. Each of the `FOLDS` folds is a stretch of both.
    seed : int
        Of the boosting.

    References
    ----------
    D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", ICLR 2017.
    """
    x, y = np.concatenate([before, after]), np.repeat([0.0, 1.0], [len(before), len(after)])
    folds = np.concatenate([stretches(len(part)) for part in (before, after)])
    scores, models = np.empty(len(y)), []
    with threadpool_limits(1):  # many threads on few rows only wait for each other
        for fold in range(FOLDS):
            train = folds != fold
            model = Teller.learnt(x[train], y[train], seed)
            scores[~train] = model(x[~train])
            models.append(model)
    auc, psi = _within_folds(y, scores, folds)
    se, freedom = _error(psi, y)
    return Told(auc, se, freedom, tuple(models), folds)


def _within_folds(y: FloatArray, scores: FloatArray, folds: NDArray[np.int64]) -> tuple[float, FloatArray]:
    """Return the mean of the folds' areas: scores of different models do not compare."""
    psi, areas = np.empty(len(y)), []
    for fold in range(FOLDS):
        own = folds == fold
        area = roc_auc(y[own], scores[own])
        psi[own] = area.psi
        areas.append(area.value)
    return float(np.mean(areas)), psi


def _error(psi: FloatArray, y: FloatArray) -> tuple[float, int]:
    """Add the errors of both samples: each is a series of its own."""
    parts = [psi[y == side] * (y == side).mean() for side in (0.0, 1.0)]
    errors = [block_se(part, BLOCKS) for part in parts]
    return float(np.hypot(errors[0][0], errors[1][0])), min(errors[0][1], errors[1][1])


def importance(told: Told, before: FloatArray, after: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return how much of the area is lost when a column is shuffled out of fold, shape (n_columns,)."""
    x, y = np.concatenate([before, after]), np.repeat([0.0, 1.0], [len(before), len(after)])
    lost = np.zeros(x.shape[1])
    with threadpool_limits(1):
        for fold, model in enumerate(told.models):
            own = told.folds == fold
            rows, truth = x[own], y[own]
            whole = roc_auc(truth, model(rows)).value
            for at in range(x.shape[1]):
                shuffled = rows.copy()
                shuffled[:, at] = rng.permutation(shuffled[:, at])
                lost[at] += (whole - roc_auc(truth, model(shuffled)).value) / FOLDS
    return lost
