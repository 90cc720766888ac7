"""The loss of single predictions, one per row."""

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.schema import Task

SURE = 1e-6  # a probability nearer to 0 or 1 is taken as this near


def losses(task: Task, score: Column, outcome: Column) -> Column:
    """Return the loss of each row: absolute error, or log loss in nats.

    Parameters
    ----------
    score : ndarray of shape (n,), float64
        Predictions, or probabilities of the second class; NaN where there was no answer.
    outcome : ndarray of shape (n,), float64
        The truth; 1.0 and 0.0 for a binary task.

    Returns
    -------
    ndarray of shape (n,), float64
        NaN where the score or the outcome is missing.
    """
    score, outcome = score.astype(np.float64), outcome.astype(np.float64)
    if task is Task.REGRESSION:
        distance: Column = np.abs(score - outcome)
        return distance
    near = np.clip(score, SURE, 1 - SURE)
    loss: Column = -(outcome * np.log(near) + (1 - outcome) * np.log(1 - near))
    return loss
