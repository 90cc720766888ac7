"""The metrics an objective of a task of several classes can name, by name."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.classes import Classes
from setpoint.stats.quality import classes
from setpoint.stats.quality.catalogue import Terms, measure
from setpoint.stats.quality.measured import FloatArray, Measured, undefined

OF_PROBABILITIES = {"log_loss": classes.log_loss, "roc_auc": classes.ovr_auc}
OF_LABELS = {
    "accuracy": classes.accuracy,
    "balanced_accuracy": classes.balanced_accuracy,
    "macro_f1": classes.macro_f1,
}
NOT_RECORDED = "the probability of each class is on record for 20 classes or fewer; hold accuracy or macro_f1"
EVERY_LABEL_COUNTS = Terms(threshold=0.0)


def measure_several(name: str, rows: Classes, score: NDArray[np.float64]) -> Measured:
    """Measure rows that have a label, an outcome and a score.

    Metrics of calibration are those of the label's own probability: whether it says how often the label is right.

    Parameters
    ----------
    name : str
        One of `setpoint.config.metrics.QUALITY["multiclass"]`.
    rows : Classes
    score : ndarray of shape (n,), float64
        Probability of the label.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    n = len(rows.truth)
    if not n:
        return undefined(0, "there are no rows with an outcome")
    right = rows.right
    if not np.isfinite(right).all():
        return undefined(n, "some labels or outcomes are none of the classes")
    if name in OF_LABELS:
        return OF_LABELS[name](rows.truth.astype(np.int64), rows.decided.astype(np.int64))
    if name in OF_PROBABILITIES:
        return _of_probabilities(name, rows)
    return measure(name, right, score, EVERY_LABEL_COUNTS)


def measure_any(name: str, y: FloatArray, score: FloatArray, several: Classes | None, terms: Terms) -> Measured:
    """Measure rows of any task: `y` says of several classes whether the label was right; see `measure`."""
    return measure(name, y, score, terms) if several is None else measure_several(name, several, score)


def _of_probabilities(name: str, rows: Classes) -> Measured:
    p: FloatArray = rows.probabilities
    if not p.shape[1]:
        return undefined(len(p), NOT_RECORDED)
    if not np.isfinite(p).all():
        return undefined(len(p), "some probabilities are no finite numbers")
    return OF_PROBABILITIES[name](rows.truth.astype(np.int64), p)
