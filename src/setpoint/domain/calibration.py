"""A model's raw answers, shifted and stretched: what a version may add to the model it serves, and how to undo it."""

import math

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.schema import Task
from setpoint.domain.value import value

FLATTEST, STEEPEST = 0.1, 10.0  # slopes: flatter says nothing any more, steeper is certain of everything
FURTHEST = 30.0  # shift of a logit, in nats

FloatArray = NDArray[np.float64]


@value
class Calibration:
    """A line through what a model answers; its slope is above 0, so that the raw answer can be had back.

    Of a regression `centre + shift + slope · (prediction − centre)`. Of two classes the logit of the second becomes
    `shift + slope · logit`. Of several the logarithms of the probabilities become `shift[k] + slope · log p[k]`, and
    are made to sum to one again. `shift` has one number, or one for each class.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", 1999; C. Guo et al., "On calibration of modern neural
    networks" (vector scaling with one slope), ICML 2017.
    """

    shift: tuple[float, ...] = (0.0,)
    slope: float = 1.0
    centre: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a line that cannot be undone."""
        if not FLATTEST <= self.slope <= STEEPEST:
            raise ValueError(f"the slope of a calibration is {self.slope}; it lies from {FLATTEST} to {STEEPEST}")
        if not self.shift or not all(map(math.isfinite, (*self.shift, self.centre))):
            raise ValueError("the shift of a calibration is one finite number, or one for each class")

    @property
    def in_words(self) -> str:
        """The line in words, short enough for a table."""
        shift = ", ".join(f"{s:+.4g}" for s in self.shift[:5]) + (", …" if len(self.shift) > 5 else "")
        return f"shift {shift}; slope {self.slope:.4g}" + (f" around {self.centre:.4g}" if self.centre else "")


def apply(calibration: Calibration, raw: FloatArray, task: Task) -> FloatArray:
    """Return calibrated answers.

    Parameters
    ----------
    raw : ndarray of shape (n,), or (n, n_classes) of a task of several classes
        What the model answers: predictions, or probabilities. 0 and 1 stay what they are, NaN stays NaN; what is beyond
        them, as sums of float32 may be by a little, is taken as 0 or 1.
    """
    if task is Task.REGRESSION:
        return calibration.centre + calibration.shift[0] + calibration.slope * (raw - calibration.centre)
    raw = _within(raw)
    if task is Task.BINARY:
        yes = raw**calibration.slope * math.exp(calibration.shift[0])
        return np.asarray(yes / (yes + (1 - raw) ** calibration.slope), np.float64)
    return _summing_to_one(raw**calibration.slope * np.exp(np.asarray(calibration.shift)))


def corrected(raw: FloatArray, by: FloatArray, task: Task) -> FloatArray:
    """Return raw answers, shape (n,), with a correction of each row added: of two classes, to the logit of the second.

    Of two classes a correction is bounded by 30 nats either way.
    """
    if task is Task.REGRESSION:
        return raw + by
    raw = _within(raw)
    yes = raw * np.exp(np.clip(by, -FURTHEST, FURTHEST))
    return np.asarray(yes / (yes + (1 - raw)), np.float64)


def undo(calibration: Calibration, given: FloatArray, task: Task) -> FloatArray:
    """Return the raw answers behind calibrated ones; of several classes, as they sum to one."""
    if task is Task.REGRESSION:
        return (given - calibration.centre - calibration.shift[0]) / calibration.slope + calibration.centre
    if task is Task.BINARY:
        yes = (given * math.exp(-calibration.shift[0])) ** (1 / calibration.slope)
        return np.asarray(yes / (yes + (1 - given) ** (1 / calibration.slope)), np.float64)
    return _summing_to_one((given * np.exp(-np.asarray(calibration.shift))) ** (1 / calibration.slope))


def _within(raw: FloatArray) -> FloatArray:
    bounded: FloatArray = np.minimum(np.maximum(raw, 0.0), 1.0)
    return bounded


def _summing_to_one(weights: FloatArray) -> FloatArray:
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(total > 0, total, 1.0), np.float64)
