"""Metrics of more than two classes: rows hold the place of their class, probabilities have a column a class."""

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.quality.measured import FloatArray, Measured, mean, undefined
from setpoint.stats.quality.probabilities import NEAREST
from setpoint.stats.quality.ranks import roc_auc

Codes = NDArray[np.int64]


def accuracy(y: Codes, decided: Codes) -> Measured:
    """Share of right decisions; where each row has one class, micro-averaged precision, recall and F1 are this too."""
    return mean((y == decided).astype(np.float64), counts=True)


def balanced_accuracy(y: Codes, decided: Codes) -> Measured:
    """Mean of the recalls of the classes that occur."""
    actual = np.bincount(y)
    occur = int((actual > 0).sum())
    weight = 1 / (np.maximum(actual, 1) * occur)
    right = np.bincount(y, y == decided, len(actual)) / np.maximum(actual, 1)
    psi = len(y) * weight[y] * ((y == decided) - right[y])
    return Measured(value=float(right.sum() / occur), psi=psi, grain=float(weight[actual > 0].max()))


def macro_f1(y: Codes, decided: Codes) -> Measured:
    """Mean of the F1 of the classes that occur or are decided."""
    size, f1 = _f1(y, decided)
    occur = float((size > 0).sum())
    psi = _f1_psi(y, decided, size, f1, np.ones(len(size))) / occur
    return Measured(value=float(f1.sum() / occur), psi=psi, grain=2 / float(size[size > 0].min() * occur))


def weighted_f1(y: Codes, decided: Codes) -> Measured:
    """Mean of the F1 of the classes, each by its share of the rows."""
    size, f1 = _f1(y, decided)
    share = np.bincount(y, minlength=len(size)) / len(y)
    value = float(share @ f1)
    psi = f1[y] - value + _f1_psi(y, decided, size, f1, share)
    return Measured(value=value, psi=psi, grain=1 / len(y))


def _f1(y: Codes, decided: Codes) -> tuple[FloatArray, FloatArray]:
    """Return actual plus decided rows of each class, and its F1 (0 where neither occurs)."""
    classes = int(max(y.max(), decided.max())) + 1
    size = np.bincount(y, minlength=classes) + np.bincount(decided, minlength=classes)
    hits = np.bincount(y, y == decided, classes)
    return size.astype(np.float64), np.divide(2 * hits, size, out=np.zeros(classes), where=size > 0)


def _f1_psi(y: Codes, decided: Codes, size: FloatArray, f1: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the influence of rows on the weighted sum of F1s."""
    each = weight * len(y) / np.maximum(size, 1)
    return np.asarray(2 * (y == decided) * each[y] - (each * f1)[y] - (each * f1)[decided], np.float64)


def kappa(y: Codes, decided: Codes) -> Measured:
    """Cohen's kappa: agreement beyond chance.

    References
    ----------
    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20, 1960.
    """
    classes = int(max(y.max(), decided.max())) + 1
    actual = np.bincount(y, minlength=classes) / len(y)
    said = np.bincount(decided, minlength=classes) / len(y)
    agreed, chance = float((y == decided).mean()), float(actual @ said)
    if chance == 1:
        return undefined(len(y), "only one class occurs and is decided: chance agrees as well")
    moved = said[y] + actual[decided] - 2 * chance
    psi = ((y == decided) - agreed) / (1 - chance) - moved * (1 - agreed) / (1 - chance) ** 2
    return Measured(value=(agreed - chance) / (1 - chance), psi=psi, grain=1 / (len(y) * (1 - chance)))


def log_loss(y: Codes, probabilities: FloatArray) -> Measured:
    """Mean negative log likelihood; the probabilities of a row are taken as shares of their sum."""
    sums = probabilities.sum(axis=1)
    if probabilities.min() < 0 or sums.min() <= 0:
        return undefined(len(y), "the scores are no probabilities: some are negative, or a row has none")
    p = probabilities[np.arange(len(y)), y] / sums
    return mean(np.asarray(-np.log(np.clip(p, NEAREST, 1.0)), np.float64))


def top_k_accuracy(y: Codes, probabilities: FloatArray, k: int) -> Measured:
    """Share of rows whose class is among the k likeliest; ties go to the later class, as in scikit-learn."""
    best = np.argsort(probabilities, axis=1, kind="stable")[:, ::-1][:, :k]
    return mean((best == y[:, None]).any(axis=1).astype(np.float64), counts=True)


def ovr_auc(y: Codes, probabilities: FloatArray) -> Measured:
    """Mean over the classes that occur of the area under the ROC curve, one against the rest."""
    found = [roc_auc((y == c).astype(np.float64), probabilities[:, c]) for c in np.unique(y)]
    if len(found) < 2:
        return undefined(len(y), "all outcomes are of one class")
    return Measured(
        value=float(np.mean([m.value for m in found])),
        psi=np.asarray(np.mean([m.psi for m in found], axis=0), np.float64),
        grain=max(m.grain for m in found) / len(found),
    )
