"""Quality metrics with the influence of each row, so that one formula bounds them all."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
Measured = tuple[float, FloatArray]  # the metric, and each row's influence on it (mean zero)


def mae(y: FloatArray, score: FloatArray) -> Measured:
    """Mean absolute error."""
    return _mean(np.abs(y - score))


def rmse(y: FloatArray, score: FloatArray) -> Measured:
    """Root mean squared error."""
    mse, psi = _mean(np.square(y - score))
    root = float(np.sqrt(mse))
    return root, psi / (2 * root) if root else psi


def r2(y: FloatArray, score: FloatArray) -> Measured:
    """Share of the outcome's variance explained."""
    squares, spread = np.square(y - score), np.square(y - y.mean())
    variance = float(spread.mean())
    if not variance:
        return float("nan"), np.zeros_like(y)
    explained = 1 - float(squares.mean()) / variance
    return explained, ((1 - explained) * spread - squares) / variance


def roc_auc(y: FloatArray, score: FloatArray) -> Measured:
    """Area under the ROC curve; influence values by placement (DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988)."""
    positive = y > 0.5
    n1 = int(positive.sum())
    n0 = len(y) - n1
    if not n1 or not n0:
        return float("nan"), np.zeros_like(y)
    ranks = stats.rankdata(score)
    psi = np.empty_like(y)
    psi[positive] = (ranks[positive] - stats.rankdata(score[positive])) / n0
    psi[~positive] = 1 - (ranks[~positive] - stats.rankdata(score[~positive])) / n1
    area = float(psi[positive].mean())
    psi -= area
    psi[positive] *= len(y) / n1
    psi[~positive] *= len(y) / n0
    return area, psi


def accuracy(y: FloatArray, score: FloatArray, threshold: float = 0.5) -> Measured:
    """Share of right decisions."""
    return _mean(((score >= threshold) == (y > 0.5)).astype(np.float64))


def log_loss(y: FloatArray, score: FloatArray) -> Measured:
    """Mean negative log likelihood; probabilities are kept 1e-7 away from 0 and 1."""
    return _mean(row_log_loss(y, score))


def row_log_loss(y: FloatArray, score: FloatArray) -> FloatArray:
    """Negative log likelihood of each row."""
    p = np.clip(score, 1e-7, 1 - 1e-7)
    return np.asarray(-np.where(y > 0.5, np.log(p), np.log1p(-p)), np.float64)


def _mean(rows: FloatArray) -> Measured:
    mean = float(rows.mean())
    return mean, np.asarray(rows - mean, np.float64)


METRICS: dict[str, Callable[[FloatArray, FloatArray], Measured]] = {
    "mae": mae,
    "rmse": rmse,
    "r2": r2,
    "roc_auc": roc_auc,
    "accuracy": accuracy,
    "log_loss": log_loss,
}
