"""Where a binary task is decided: the threshold that brings most on labelled rows, and when it may be believed."""

import numpy as np

from setpoint.domain.calibration import FloatArray
from setpoint.domain.objective import Gain
from setpoint.domain.records import Column
from setpoint.update.walk_forward import Proof, Rows, in_time, proof_of, walk_forward

RIGHT_OR_WRONG = Gain(tp=1.0, fp=0.0, fn=0.0, tn=1.0)
NEAR = 1.0  # standard errors that a threshold may be worse than the best


def choose(score: FloatArray, truth: Column, present: float, gain: Gain = RIGHT_OR_WRONG) -> float:
    """Return, of the thresholds within one standard error of the best, the one nearest to the present.

    The best threshold of a few hundred rows is mostly noise, and whatever moves it flips decisions.

    Parameters
    ----------
    score : ndarray of shape (n,), float64
        Probabilities of the second class, as they are answered.
    truth : ndarray of shape (n,), float64
        1.0 and 0.0.
    present : float
        The threshold now; a score strictly above is decided as the second class.
    gain : Gain
        What each kind of decision brings.

    References
    ----------
    L. Breiman et al., "Classification and Regression Trees", 1984 (the one-standard-error rule).
    """
    known = np.isfinite(score) & np.isfinite(truth)
    order = np.argsort(score[known], kind="stable")
    score, truth = score[known][order], truth[known][order]
    if not len(score):
        return present
    more = np.where(truth > 0, gain.tp - gain.fn, gain.fp - gain.tn)  # what a yes brings beyond a no
    total = more.sum() - np.append(0.0, np.cumsum(more))  # where the first k are decided no, beyond all decided no
    square = np.append(0.0, np.cumsum(np.square(more)))
    best = _places(score)[np.argmax(total[_places(score)])]

    def near(place: Rows) -> Column:
        mean = (total[best] - total[place]) / len(score)
        variance = np.abs(square[best] - square[place]) / len(score) - np.square(mean)
        close: Column = mean <= NEAR * np.sqrt(np.maximum(variance, 0.0) / len(score))
        return close

    if near(np.searchsorted(score, [present], side="right"))[0]:
        return present
    places = _places(score)[near(_places(score))]
    cuts = _between(score, places)
    return float(cuts[np.argmin(np.abs(cuts - present))])


def _places(score: FloatArray) -> Rows:
    """Return the numbers of lowest scores that a threshold can tell from the others, all of them included."""
    inner = np.flatnonzero(score[1:] > score[:-1]) + 1
    return np.concatenate([[0] if score[0] > 0 else [], inner, [len(score)]]).astype(np.int64)


def _between(score: FloatArray, places: Rows) -> FloatArray:
    """Return thresholds half-way between neighbouring scores."""
    bounded = np.concatenate([[0.0], score, [1.0]])
    return np.asarray((bounded[places] + bounded[places + 1]) / 2, np.float64)


def prove(
    score: FloatArray,
    truth: Column,
    time: Column,
    known: Column,
    present: float,
    *,
    unit_rows: int,
    gain: Gain = RIGHT_OR_WRONG,
) -> Proof:
    """Return what choosing the threshold anew would have brought on the last units, against the present one.

    Parameters
    ----------
    score, truth
        As for `choose`, rows in the order of time.
    time, known : ndarray of shape (n,), datetime64
        When each row was answered, and when its outcome was known.
    unit_rows : int
        Rows of a unit.
    """
    more = np.where(truth > 0, gain.tp - gain.fn, gain.fp - gain.tn)

    def saved(threshold: float, rows: Rows) -> Column:
        yes: Column = (score[rows] > threshold).astype(np.float64) - (score[rows] > present)
        return more[rows] * yes

    def chosen(rows: Rows) -> float:
        return choose(score[rows], truth[rows], present, gain)

    return proof_of(walk_forward(len(score), unit_rows, in_time(time, known), chosen, saved))


def trusted(proof: Proof) -> bool:
    """Whether another threshold may be used: only if it is surely better (one-sided 5 %)."""
    return proof.low > 0
