"""What a small model on top of a champion is fitted to: what the champion still misses."""

import numpy as np

from setpoint.domain.calibration import FloatArray
from setpoint.domain.records import Column
from setpoint.domain.schema import DType, Schema, Task
from setpoint.errors import InvalidInput

SUREST = 0.01  # a probability nearer to 0 or 1 is taken as this near: its response would be all there is
SIZE = {
    "max_iter": 200,
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 20,
    "l2_regularization": 10.0,
    "early_stopping": True,
    "validation_fraction": 0.2,
}  # of a HistGradientBoostingRegressor: small, for it learns from few rows


def response(task: Task, raw: FloatArray, truth: Column, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what the small model is to answer for each row, and the row's weight (mean 1), both of shape (n,).

    Of a regression that is what the champion missed; of two classes one Newton step of the log loss in the logit, as
    in LogitBoost.

    References
    ----------
    J. Friedman, T. Hastie, R. Tibshirani, "Additive logistic regression", Annals of Statistics 28, 2000.
    """
    if task is Task.REGRESSION:
        return truth - raw, weight / weight.mean()
    p = np.clip(raw, SUREST, 1 - SUREST)
    weight = weight * p * (1 - p)
    return (truth - p) / (p * (1 - p)), weight / weight.mean()


def taken(schema: Schema) -> tuple[str, ...]:
    """Return the features that the small model takes: the numbers.

    Raises
    ------
    InvalidInput
        If there are none, or the task has several classes.
    """
    if schema.task is Task.MULTICLASS:
        raise InvalidInput("a residual model corrects a number or the logit of two classes, not several: refit")
    names = tuple(f.name for f in schema.features if f.dtype is not DType.STRING)
    if not names:
        raise InvalidInput("a residual model learns from columns of numbers, and the model has none: refit")
    return names
