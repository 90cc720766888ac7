"""What a row weighs: segments alike, and rows that look like today's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from setpoint.domain.training_set import Balance
from setpoint.update.sets.learner import FOLDS, LEARNT_FROM, SEED, Matrix, folds_of, learnable

MOST = 5.0  # a row weighs between a fifth and five times a usual one
FEWEST_RECENT = 300  # rows that say what today's look like
FEWEST_EFFECTIVE = 0.3  # of the rows, or the weights are not used
TREES = {"max_iter": 40, "max_leaf_nodes": 8, "min_samples_leaf": 40, "early_stopping": False, "random_state": SEED}

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Weights, shape (n,) and of mean 1, or None with the reason; `effective` is the share of rows they amount to."""

    weights: FloatArray | None
    effective: float = 1.0
    why: str = ""


def balanced(segments: Sequence[NDArray[np.int64]], how: Balance) -> FloatArray:
    """Return weights by which the segments of each column weigh alike, or as the square root of their rows, (n,).

    Of several columns the mean of the weights counts.

    Parameters
    ----------
    segments : sequence of ndarray of shape (n,), int64
        For each column, the segment of each row.
    """
    power = 1.0 if how is Balance.EQUAL else 0.5
    found = [bounded(np.asarray(1.0 / np.bincount(codes)[codes] ** power, np.float64)) for codes in segments]
    return bounded(np.asarray(np.mean(found, axis=0), np.float64))


def importance(rows: Matrix, recent: Matrix) -> Weighed:
    """Return how many times likelier each row is among recent ones, by a classifier that tells the two apart.

    The ratio is out of fold: a classifier that has seen a row knows it too well. It is refused where few rows carry it,
    as told before it is bounded: then the rows are of another world, and weights cannot make them of this one.

    Parameters
    ----------
    rows, recent : ndarray of shape (n, n_features) and (m, n_features)

    References
    ----------
    S. Bickel, M. Brückner, T. Scheffer, "Discriminative learning for differing training and test distributions", ICML
    2007. L. Kish, "Survey Sampling", 1965 (effective sample size).
    """
    if len(recent) < FEWEST_RECENT or len(rows) < FEWEST_RECENT:
        return Weighed(weights=None, why=f"{len(recent)} recent rows; {FEWEST_RECENT} are needed")
    ratio = np.exp(_log_ratio(rows, recent))
    effective = effective_share(ratio)
    if effective < FEWEST_EFFECTIVE:
        return Weighed(weights=None, effective=effective, why=f"{effective:.0%} of the rows would carry the set")
    return Weighed(weights=bounded(ratio), effective=effective)


def bounded(weights: FloatArray) -> FloatArray:
    """Return weights of mean 1, after those beyond a fifth and five times the mean are cut."""
    cut = np.clip(weights / weights.mean(), 1 / MOST, MOST)
    return np.asarray(np.round(cut / cut.mean(), 9))


def effective_share(weights: FloatArray) -> float:
    """Return how many rows of one weight would be as certain, as a fraction of the rows."""
    return float(weights.sum() ** 2 / np.square(weights).sum() / len(weights))


def _log_ratio(rows: Matrix, recent: Matrix) -> FloatArray:
    """Return the log of how many times denser the recent rows are there, out of fold, shape (n,)."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # half a second, for those who weigh rows

    found, mine, others = np.empty(len(rows)), folds_of(len(rows)), folds_of(len(recent))
    for fold in range(FOLDS):
        old, new = _few(rows[mine != fold]), _few(recent[others != fold])
        with threadpool_limits(1):
            model = HistGradientBoostingClassifier(**TREES)
            model.fit(learnable(np.concatenate([old, new])), np.repeat([0, 1], [len(old), len(new)]))
            found[mine == fold] = model.decision_function(rows[mine == fold]) - np.log(len(new) / len(old))
    return found


def _few(rows: Matrix) -> Matrix:
    step = max(1.0, len(rows) / LEARNT_FROM)
    return rows[np.arange(0, len(rows), step).astype(np.int64)]
