"""Metrics of the order of scores of a binary task: areas under curves, and what the top rows hold."""

import numpy as np

from setpoint.stats.quality.measured import FloatArray, Measured, undefined

ONE_CLASS = "all outcomes are of one class"


def roc_auc(y: FloatArray, score: FloatArray) -> Measured:
    """Area under the ROC curve; influence values by placement (DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988)."""
    positive = y > 0.5
    n1 = int(positive.sum())
    n0 = len(y) - n1
    if not n1 or not n0:
        return undefined(len(y), ONE_CLASS)
    ranks = _ranks(score)
    psi = np.empty(len(y))
    psi[positive] = (ranks[positive] - _ranks(score[positive])) / n0
    psi[~positive] = 1 - (ranks[~positive] - _ranks(score[~positive])) / n1
    area = float(psi[positive].mean())
    psi -= area
    psi[positive] *= len(y) / n1
    psi[~positive] *= len(y) / n0
    return Measured(value=area, psi=psi, grain=1 / (min(n0, n1) * 2))


def average_precision(y: FloatArray, score: FloatArray) -> Measured:
    """Area under the precision-recall curve: precision at the score of each positive row, averaged over them.

    A row moves it as one of the positives, and by what it adds to the precision at every score at or below its own.
    """
    positive = (y > 0.5).astype(np.float64)
    n, n1 = len(y), float(positive.sum())
    if not n1:
        return undefined(n, "no row is positive")
    levels, place = np.unique(-score, return_inverse=True)
    hits = np.bincount(place, positive, len(levels))
    above = np.cumsum(np.bincount(place, minlength=len(levels)))
    precision = np.cumsum(hits) / above
    value = float(hits @ precision / n1)
    below = np.cumsum((hits / above)[::-1])[::-1]
    expected = np.cumsum((hits * precision / above)[::-1])[::-1]
    psi = positive * (precision[place] - value) + positive * below[place] - expected[place]
    return Measured(value=value, psi=np.asarray(psi * n / n1, np.float64), grain=1 / (2 * n1))


def precision_at_top(y: FloatArray, score: FloatArray, top: float) -> Measured:
    """Share of positives among the `top` fraction of rows by score; rows tied at the cut count in part.

    The cut moves with the rows, too: a row above it pushes out one that is positive as often as those at the cut are.
    """
    n = len(y)
    positive = (y > 0.5).astype(np.float64)
    room = top * n
    if room < 1:
        return undefined(n, f"the top {top:.3g} of {n} rows is less than one row")
    cut = np.sort(score)[n - int(np.ceil(room))]
    above, tied = score > cut, score == cut
    taken = above + tied * ((room - above.sum()) / tied.sum())
    value = float(taken @ positive / room)
    at_cut = _share_at(positive, score, cut)
    psi = (taken * (positive - at_cut)) / top
    return Measured(value=value, psi=np.asarray(psi - psi.mean(), np.float64), grain=1 / room)


def lift_at_top(y: FloatArray, score: FloatArray, top: float) -> Measured:
    """Share of positives among the top rows over that among all."""
    positive = (y > 0.5).astype(np.float64)
    base = float(positive.mean())
    if not base:
        return undefined(len(y), "no row is positive")
    at_top = precision_at_top(y, score, top)
    lift = at_top.value / base
    return Measured(
        value=lift, psi=(at_top.psi - lift * (positive - base)) / base, grain=at_top.grain / base, why=at_top.why
    )


def _share_at(positive: FloatArray, score: FloatArray, cut: float) -> float:
    """Return the share of positives among the rows whose scores are nearest to a cut, √n of them and all ties."""
    distance = np.abs(score - cut)
    reach = np.partition(distance, min(int(np.sqrt(len(score))), len(score) - 1))[
        min(int(np.sqrt(len(score))), len(score) - 1)
    ]
    return float(positive[distance <= reach].mean())


def _ranks(values: FloatArray) -> FloatArray:
    """Return the rank of each value from 1 on, equal values the mean of theirs, shape (n,)."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(times) - (times - 1) / 2)[place])
