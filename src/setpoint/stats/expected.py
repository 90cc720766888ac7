"""Quality that counted answers promise: metrics of expected positives and negatives by cell of the score."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Metric = Callable[[FloatArray, FloatArray, "Answers"], FloatArray]


class Answers(Protocol):
    """What a cell's scores are, whatever their outcomes: arrays of shape (n_cells,), cells in the order of the score.

    `decided` is whether they are at or above the threshold, `log_score` and `log_rest` the mean −log(score) and
    −log(1 − score), `score` and `square` the mean score and squared score.
    """

    @property
    def decided(self) -> NDArray[np.bool_]: ...
    @property
    def score(self) -> FloatArray: ...
    @property
    def square(self) -> FloatArray: ...
    @property
    def log_score(self) -> FloatArray: ...
    @property
    def log_rest(self) -> FloatArray: ...


def confusion(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected counts tp, fp, fn, tn, shape (4, ...), from counts of shape (..., n_cells)."""
    yes = answers.decided
    return np.stack([(pos * yes).sum(-1), (neg * yes).sum(-1), (pos * ~yes).sum(-1), (neg * ~yes).sum(-1)])


def accuracy(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected share of right decisions."""
    tp, fp, fn, tn = confusion(pos, neg, answers)
    return _ratio(tp + tn, tp + fp + fn + tn)


def precision(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected share of positives among those decided positive."""
    tp, fp, _, _ = confusion(pos, neg, answers)
    return _ratio(tp, tp + fp)


def recall(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected share of the positives that are decided positive."""
    tp, _, fn, _ = confusion(pos, neg, answers)
    return _ratio(tp, tp + fn)


def specificity(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected share of the negatives that are decided negative."""
    _, fp, _, tn = confusion(pos, neg, answers)
    return _ratio(tn, tn + fp)


def balanced_accuracy(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the mean of expected recall and specificity."""
    return (recall(pos, neg, answers) + specificity(pos, neg, answers)) / 2


def f1(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the harmonic mean of expected precision and recall."""
    tp, fp, fn, _ = confusion(pos, neg, answers)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def roc_auc(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected area under the ROC curve; rows of one cell count as ties."""
    below = np.cumsum(neg, axis=-1) - neg / 2
    return _ratio((pos * below).sum(-1), pos.sum(-1) * neg.sum(-1))


def average_precision(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected average precision, each cell at the precision that its middle has."""
    rows = pos + neg
    hits = np.cumsum(pos[..., ::-1], axis=-1)[..., ::-1] - pos / 2
    called = np.cumsum(rows[..., ::-1], axis=-1)[..., ::-1] - rows / 2
    return _ratio((pos * _ratio(hits, called, empty=0.0)).sum(-1), pos.sum(-1))


def log_loss(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected negative log likelihood of the scores as they are."""
    return _ratio((pos * answers.log_score + neg * answers.log_rest).sum(-1), (pos + neg).sum(-1))


def brier(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
    """Return the expected squared distance between scores and outcomes."""
    near = pos * (1 - 2 * answers.score + answers.square) + neg * answers.square
    return _ratio(near.sum(-1), (pos + neg).sum(-1))


def value_of(gain: tuple[float, float, float, float]) -> Metric:
    """Return the metric: expected value per decision, given what a tp, fp, fn and tn bring."""

    def value_per_decision(pos: FloatArray, neg: FloatArray, answers: Answers) -> FloatArray:
        counts = confusion(pos, neg, answers)
        return _ratio(np.tensordot(np.asarray(gain), counts, axes=1), counts.sum(axis=0))

    return value_per_decision


def _ratio(top: FloatArray, bottom: FloatArray, empty: float = np.nan) -> FloatArray:
    return np.asarray(np.divide(top, bottom, out=np.full(np.shape(bottom), empty), where=bottom > 0), np.float64)


EXPECTED: dict[str, Metric] = {
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "log_loss": log_loss,
    "brier": brier,
}
RANKING = (roc_auc, average_precision)  # these say nothing of scores that are all alike
