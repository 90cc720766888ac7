"""The area under the ROC curve as the mean of a loss, so that it can be watched row by row."""

import math

import numpy as np

from setpoint.domain.records import Column
from setpoint.stats.betting import FloatArray

NEGATIVES = 19  # that a positive is placed among, at most


def placement_losses(
    score: Column, outcome: Column, pool: tuple[float, ...] = ()
) -> tuple[FloatArray, tuple[float, ...]]:
    """Return for each positive the share of negatives that are scored above it, and the negatives not used yet.

    A positive is placed among its own: the latest negatives before it that no other positive was placed among, nineteen
    at most. Its loss is 1 − AUC on average, and it depends on no other positive's; with one pool of negatives for all,
    a chance extreme of the pool would look like a difference of the versions for ever.

    Parameters
    ----------
    score : ndarray of shape (n,), float64
        In time order.
    outcome : ndarray of shape (n,), float64
        1.0 and 0.0; NaN where it is not known.
    pool : tuple of float
        Scores of negatives from before.

    Returns
    -------
    losses : ndarray of shape (n,), float64
        NaN for all rows but positives that have a negative of their own.
    pool : tuple of float

    References
    ----------
    M. S. Pepe, T. Cai, "The analysis of placement values for evaluating discriminatory measures", Biometrics
    60(2), 2004.
    """
    losses, free = np.full(len(score), np.nan), [*pool]
    for at in np.flatnonzero(np.isfinite(score) & np.isfinite(outcome)).tolist():
        if outcome[at] == 0.0:
            free = [*free[1 - NEGATIVES :], float(score[at])]
        elif free:
            own = float(score[at])
            losses[at] = math.fsum((s > own) + 0.5 * (s == own) for s in free) / len(free)
            free = []
    return losses, tuple(free)
