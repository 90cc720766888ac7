"""Metrics of decisions of a binary task: formulas of the four shares of a confusion table, at one threshold."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from setpoint.stats.quality.measured import FloatArray, Measured, mean, undefined

STEP = 1e-20  # of the complex-step derivative: exact to the last digit, no difference is taken

Shares = Any  # ndarray of shape (4,): shares of tp, fp, fn and tn; complex while a derivative is taken
Formula = Callable[[Shares, Shares, Shares, Shares], Any]


def cells(y: FloatArray, score: FloatArray, threshold: float) -> FloatArray:
    """Return which cell each row falls in, one-hot, shape (4, n): tp, fp, fn, tn. A score at the threshold is a yes."""
    truth, yes = y > 0.5, score >= threshold
    return np.array([truth & yes, ~truth & yes, truth & ~yes, ~truth & ~yes], np.float64)


def accuracy(y: FloatArray, score: FloatArray, threshold: float) -> Measured:
    """Share of right decisions."""
    return mean(((score >= threshold) == (y > 0.5)).astype(np.float64), counts=True)


def balanced_accuracy(y: FloatArray, score: FloatArray, threshold: float) -> Measured:
    """Mean of recall and specificity."""
    return _formula(y, score, threshold, lambda a, b, c, d: (a / (a + c) + d / (b + d)) / 2, needs="pn")


def precision(y: FloatArray, score: FloatArray, threshold: float) -> Measured:
    """Share of the decided positives that are."""
    return _formula(y, score, threshold, lambda a, b, c, d: a / (a + b), needs="y")


def recall(y: FloatArray, score: FloatArray, threshold: float) -> Measured:
    """Share of the positives that are decided so."""
    return _formula(y, score, threshold, lambda a, b, c, d: a / (a + c), needs="p")


def specificity(y: FloatArray, score: FloatArray, threshold: float) -> Measured:
    """Share of the negatives that are decided so."""
    return _formula(y, score, threshold, lambda a, b, c, d: d / (b + d), needs="n")


def f1(y: FloatArray, score: FloatArray, threshold: float) -> Measured:
    """Harmonic mean of precision and recall."""
    return _formula(y, score, threshold, lambda a, b, c, d: 2 * a / (2 * a + b + c), needs="f")


def matthews(y: FloatArray, score: FloatArray, threshold: float) -> Measured:
    """Correlation of decision and truth."""
    return _formula(
        y,
        score,
        threshold,
        lambda a, b, c, d: (a * d - b * c) / np.sqrt((a + b) * (a + c) * (d + b) * (d + c)),
        needs="pnyo",
    )


def value_per_decision(
    y: FloatArray, score: FloatArray, threshold: float, gain: tuple[float, float, float, float]
) -> Measured:
    """Mean gain of a decision; `gain` is that of a true positive, false positive, false negative and true negative."""
    each = np.asarray(np.asarray(gain, np.float64) @ cells(y, score, threshold), np.float64)
    return replace(mean(each), grain=float(np.ptp(gain)) / len(y))


LACKS = {
    "p": "no row is positive",
    "n": "no row is negative",
    "y": "no row is decided positive",
    "o": "no row is decided negative",
    "f": "no row is positive, and none is decided so",
}


def _formula(y: FloatArray, score: FloatArray, threshold: float, formula: Formula, *, needs: str) -> Measured:
    """Return a formula of the shares, with the influence of rows by its gradient; `needs` are counts above zero."""
    table = cells(y, score, threshold)
    shares = table.mean(axis=1)
    tp, fp, fn, tn = table.sum(axis=1)
    counts = {"p": tp + fn, "n": fp + tn, "y": tp + fp, "o": fn + tn, "f": tp + fp + fn}
    lacking = next((LACKS[need] for need in needs if not counts[need]), "")
    if lacking:
        return undefined(len(y), lacking)
    gradient = [formula(*(shares + 1j * STEP * unit)).imag / STEP for unit in np.eye(4)]
    psi = np.asarray(np.asarray(gradient) @ (table - shares[:, None]), np.float64)
    return Measured(value=float(formula(*shares)), psi=psi, grain=1 / min(counts[need] for need in needs))
