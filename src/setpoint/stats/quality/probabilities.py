"""Metrics of probabilities of a binary task: proper losses, and whether they mean what they say."""

import numpy as np
from scipy import special

from setpoint.stats.quality.measured import FloatArray, Measured, mean, undefined
from setpoint.stats.quality.ranks import ONE_CLASS

BINS = 10
NEAREST = 1e-7  # a probability is kept this far from 0 and 1
NO_PROBABILITY = "the scores are no probabilities: some lie outside 0 to 1"
ROUNDS = 50


def row_log_loss(y: FloatArray, score: FloatArray) -> FloatArray:
    """Negative log likelihood of each row, in nats."""
    p = np.clip(score, NEAREST, 1 - NEAREST)
    return np.asarray(-np.where(y > 0.5, np.log(p), np.log1p(-p)), np.float64)


def log_loss(y: FloatArray, score: FloatArray) -> Measured:
    """Mean negative log likelihood; probabilities are kept 1e-7 away from 0 and 1."""
    return mean(row_log_loss(y, score)) if _proper(score) else undefined(len(y), NO_PROBABILITY)


def brier(y: FloatArray, score: FloatArray) -> Measured:
    """Mean squared error of the probability."""
    return mean(np.square(score - y)) if _proper(score) else undefined(len(y), NO_PROBABILITY)


def calibration_error(y: FloatArray, score: FloatArray) -> Measured:
    """Expected calibration error: |share of positives − mean probability| over ten bins of equally many rows.

    It is biased upwards: chance alone parts the two in every bin. A perfect model of n rows shows about
    √(2/π)·Σ_bins sd/n ≈ 1.0/√n at p = ½; that is `bias`, and the lower bound starts below it. Its bound is therefore
    safe and not sharp.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    n = len(y)
    if not _proper(score):
        return undefined(n, NO_PROBABILITY)
    edges = np.unique(np.quantile(score, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, score, side="left")
    excess = np.bincount(place, y - score, len(edges) + 1)
    chance = np.sqrt(np.bincount(place, score * (1 - score), len(edges) + 1))
    psi = np.sign(excess)[place] * (y - score)
    return Measured(
        value=float(np.abs(excess).sum() / n),
        psi=np.asarray(psi - psi.mean(), np.float64),
        bias=float(np.sqrt(2 / np.pi) * chance.sum() / n),
    )


def calibration_in_the_large(y: FloatArray, score: FloatArray) -> Measured:
    """Mean probability minus the share of positives."""
    return mean(score - y) if _proper(score) else undefined(len(y), NO_PROBABILITY)


def calibration_slope(y: FloatArray, score: FloatArray) -> Measured:
    """Slope of a logistic regression of the outcome on the logit of the probability; below 1: too sure.

    Influence values are those of the sandwich variance.

    References
    ----------
    D. R. Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958.
    """
    n = len(y)
    if not _proper(score):
        return undefined(n, NO_PROBABILITY)
    if y.min() == y.max():
        return undefined(n, ONE_CLASS)
    logit = special.logit(np.clip(score, NEAREST, 1 - NEAREST))
    if np.ptp(logit) < 1e-9:
        return undefined(n, "all probabilities are the same")
    design = np.stack([np.ones(n), logit], axis=1)
    found, fitted = np.zeros(2), np.zeros(n)
    for _ in range(ROUNDS):
        fitted = special.expit(design @ found)
        bend = (design * (fitted * (1 - fitted))[:, None]).T @ design / n
        if np.linalg.cond(bend) > 1e12:
            return undefined(n, "the outcomes are separated by the score: no slope fits them")
        move = np.linalg.solve(bend, design.T @ (y - fitted) / n)
        found = found + np.clip(move, -2.0, 2.0)
        if np.abs(move).max() < 1e-10:
            break
    else:
        return undefined(n, "the outcomes are separated by the score: no slope fits them")
    psi = np.linalg.solve(bend, (design * (y - fitted)[:, None]).T)[1]
    return Measured(value=float(found[1]), psi=np.asarray(psi - psi.mean(), np.float64))


def _proper(score: FloatArray) -> bool:
    return bool(score.min() >= 0 and score.max() <= 1)
