"""From columns to what a framework takes, and from its raw scores to the schema's outputs."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task


def matrix(columns: Columns, schema: Schema) -> NDArray[np.float32]:
    """Stack numeric features in the model's order: shape (n, n_features), float32.

    A number beyond the range of float32 becomes an infinity, as it would inside a float32 model.
    """
    names = schema.names
    stacked = np.empty((len(columns[names[0]]), len(names)), np.float32)
    with np.errstate(over="ignore"):
        for i, name in enumerate(names):
            stacked[:, i] = columns[name]
    return stacked


def outputs(score: Column, schema: Schema, threshold: float) -> dict[str, Column]:
    """Name a model's raw score of shape (n,): the prediction, or label and probability of the second class.

    The second class is decided strictly above the threshold, as scikit-learn's `predict` does at one half: a tied
    vote goes to the first class.
    """
    score = score.astype(np.float64, copy=False)
    if schema.task is Task.REGRESSION:
        return {"prediction": score}
    return {"label": class_values(schema)[(score > threshold).astype(np.intp)], "probability": score}


def class_values(schema: Schema) -> Column:
    """Return the two classes as an array of shape (2,): object for texts, else their own type."""
    texts = any(isinstance(c, str) for c in schema.classes)
    return np.array(schema.classes, dtype=object) if texts else np.array(schema.classes)


def positive(raw: Column) -> Column:
    """Return the score in a raw output of shape (n,), (n, 1) or, for two classes, (n, 2)."""
    return raw if raw.ndim == 1 else raw[:, -1]
