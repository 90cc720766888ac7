"""From columns to what a framework takes, and from its raw scores to the schema's outputs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns, Numbers
from setpoint.domain.schema import Schema, Task


def matrix(columns: Columns, names: Sequence[str]) -> NDArray[np.float32]:
    """Stack numeric features in the order of their names: shape (n, n_features), float32.

    A number beyond the range of float32 becomes an infinity, as it would inside a float32 model.
    """
    with np.errstate(over="ignore"):
        if isinstance(columns, Numbers) and columns.names == names:
            return columns.array.T.astype(np.float32, order="C")
        stacked = np.concatenate([columns[name] for name in names], dtype=np.float32, casting="same_kind")
    return np.ascontiguousarray(stacked.reshape(len(names), -1).T)


class Head:
    """Names a model's raw output: the prediction, or label and probability of the second class.

    The second class is decided strictly above the threshold, as scikit-learn's `predict` does at one half: a tied
    vote goes to the first class.
    """

    def __init__(self, schema: Schema, threshold: float) -> None:
        self._classes = None if schema.task is Task.REGRESSION else class_values(schema)
        self._threshold = threshold

    def __call__(self, raw: Column) -> dict[str, Column]:
        """Return the outputs by their names; `raw` has shape (n,), (n, 1) or, for two classes, (n, 2)."""
        score = (raw if raw.ndim == 1 else raw[:, -1]).astype(np.float64, copy=False)
        if self._classes is None:
            return {"prediction": score}
        return {"label": self._classes.take(score > self._threshold), "probability": score}


def class_values(schema: Schema) -> Column:
    """Return the two classes as an array of shape (2,): object for texts, else their own type."""
    texts = any(isinstance(c, str) for c in schema.classes)
    return np.array(schema.classes, dtype=object) if texts else np.array(schema.classes)
