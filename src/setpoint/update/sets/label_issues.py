"""Outcomes that are likely wrong: what a model says of a row that it has not seen, against what was recorded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 0.03  # share of the rows that are called issues at most
MOST_OF_CLASS = 0.2  # of the rows of a class, for one other: a rare one must not go
FAR = 8.0  # robust deviations
BINS = 10  # of the predictions, each with a spread of its own
FEWEST = 200  # rows, below which nothing is looked for
MAD = 1.4826  # makes a median absolute deviation that of a normal distribution

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issues:
    """Rows in order of doubt, the most doubtful first, with what they were more likely, and how sure that is.

    Arrays of shape (n,). `likely` is the place of a class, or a number; `doubt` is by how much the probability of that
    class exceeds the given one's, or the distance in robust deviations. `estimated` is the number of wrong labels that
    the counts suggest, which may be larger.
    """

    row: NDArray[np.int64]
    likely: FloatArray
    doubt: FloatArray
    estimated: float

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.row)


NONE = Issues(row=np.empty(0, np.int64), likely=np.empty(0), doubt=np.empty(0), estimated=0.0)


def unlikely_classes(p: FloatArray, y: NDArray[np.int64]) -> Issues:
    """Return rows whose class is likely another one.

    Each class has a threshold, the mean probability of the rows that have it. A row counts for the likeliest class
    whose threshold it reaches; how many of each pair of given and counted class there are, scaled to the rows of the
    given class, estimates the joint distribution of given and true labels. Of each pair that many rows are taken, those
    with the largest margin (prune by noise rate).

    Parameters
    ----------
    p : ndarray of shape (n, n_classes), float64
        Probabilities out of fold.
    y : ndarray of shape (n,), int64
        Places of the given classes.

    References
    ----------
    C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", Journal of
    Artificial Intelligence Research 70, 2021.
    """
    joint = confident_joint(p, y)
    rows, likely = [NONE.row], [NONE.likely]
    for given, other in zip(*np.nonzero(joint), strict=True):
        if given == other:
            continue
        mine = np.flatnonzero(y == given)
        margin = p[mine, other] - p[mine, given]
        wanted = min(round(joint[given, other]), int((margin > 0).sum()), int(MOST_OF_CLASS * len(mine)))
        rows.append(mine[np.argsort(-margin, kind="stable")[:wanted]])
        likely.append(np.full(wanted, float(other)))
    row, other_class = np.concatenate(rows), np.concatenate(likely)
    doubt = p[row, other_class.astype(np.intp)] - p[row, y[row]]
    return _ranked(row, other_class, doubt, joint.sum() - np.trace(joint), len(y))


def confident_joint(p: FloatArray, y: NDArray[np.int64]) -> FloatArray:
    """Return how many rows have each pair of given and true class, by estimate, shape (n_classes, n_classes)."""
    classes = p.shape[1]
    have = np.bincount(y, minlength=classes)
    thresholds = np.array([p[y == k, k].mean() if have[k] else np.inf for k in range(classes)])
    reached = np.where(p >= thresholds, p, -1.0)
    likeliest, sure = reached.argmax(axis=1), reached.max(axis=1) >= 0
    counted = np.zeros((classes, classes))
    np.add.at(counted, (y[sure], likeliest[sure]), 1.0)
    counted[np.diag_indices(classes)] += counted.sum(axis=1) == 0
    return np.asarray(counted * (have / counted.sum(axis=1))[:, None])


def far_numbers(predicted: FloatArray, y: FloatArray) -> Issues:
    """Return rows whose number is far from what is predicted of them, for rows of such a prediction.

    Distances are in robust deviations (1.4826 × the median absolute deviation) of the rows with a prediction of the
    same tenth: where numbers are large, they scatter more.

    Parameters
    ----------
    predicted, y : ndarray of shape (n,), float64
        Predictions out of fold, and what was recorded.
    """
    off = y - predicted
    tenth = np.searchsorted(np.quantile(predicted, np.linspace(0, 1, BINS + 1)[1:-1]), predicted)
    away = np.zeros(len(y))
    for part in range(BINS):
        mine = tenth == part
        if mine.any():
            centre = np.median(off[mine])
            spread = MAD * np.median(np.abs(off[mine] - centre))
            away[mine] = np.abs(off[mine] - centre) / spread if spread > 0 else 0.0
    row = np.flatnonzero(away > FAR)
    return _ranked(row, predicted[row], away[row], float(len(row)), len(y))


def _ranked(row: NDArray[np.int64], likely: FloatArray, doubt: FloatArray, estimated: float, rows: int) -> Issues:
    order = np.argsort(-doubt, kind="stable")[: int(MOST * rows)]
    return Issues(row=row[order], likely=likely[order], doubt=doubt[order], estimated=float(estimated))
