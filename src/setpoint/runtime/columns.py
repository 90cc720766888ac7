"""From columns to what a framework takes, and from its raw scores to the schema's outputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns, Numbers
from setpoint.domain.schema import Schema, Task, Tensor
from setpoint.errors import ModelFailed


def matrix(columns: Columns, names: Sequence[str]) -> NDArray[np.float32]:
    """Stack numeric features in the order of their names: shape (n, n_features), float32.

    A number beyond the range of float32 becomes an infinity, as it would inside a float32 model.
    """
    with np.errstate(over="ignore"):
        if isinstance(columns, Numbers) and columns.names == names:
            return columns.array.T.astype(np.float32, order="C")
        stacked = np.concatenate([columns[name] for name in names], dtype=np.float32, casting="same_kind")
    return np.ascontiguousarray(stacked.reshape(len(names), -1).T)


def tensors(columns: Columns, asked: Sequence[Tensor]) -> dict[str, NDArray[Any]]:
    """Return what a model of several inputs takes, by name: each of shape (n, *shape) and its tensor's own type.

    A missing text is the empty text; a number beyond the range of a float becomes an infinity.

    Raises
    ------
    ModelFailed
        If a number is none that its whole-number type holds.
    """
    return {tensor.name: _tensor(columns, tensor) for tensor in asked}


def _tensor(columns: Columns, tensor: Tensor) -> NDArray[Any]:
    values = _side_by_side(columns, tensor.features)
    shape = (-1, *tensor.shape)
    if tensor.dtype == "string":
        return np.where(values == None, "", values).reshape(shape)  # noqa: E711  # element by element
    with np.errstate(over="ignore", invalid="ignore"):
        typed = values.astype(tensor.dtype, order="C")
    if typed.dtype.kind in "iu" and (typed != values).any():
        row, place = np.argwhere(typed != values)[0]
        name, number = tensor.features[place], values[row, place]
        raise ModelFailed(f"input {tensor.name!r} takes {tensor.dtype}, and {name!r} is {number:g}")
    return typed.reshape(shape)


def _side_by_side(columns: Columns, names: Sequence[str]) -> Column:
    """Return columns as one array of shape (n, n_names); those that lie together are not copied."""
    if isinstance(columns, Numbers):
        first = columns.names.index(names[0])
        if columns.names[first : first + len(names)] == names:
            return columns.array[first : first + len(names)].T
    return np.stack([columns[name] for name in names], axis=1)


class Head:
    """Names a model's raw output: the prediction, or label and probability.

    Of two classes the second is decided strictly above the threshold, as scikit-learn's `predict` does at one half: a
    tied vote goes to the first class. Of several the likeliest is decided, the first of those that are equally likely,
    and `probability` is its own.
    """

    def __init__(self, schema: Schema, threshold: float) -> None:
        self._classes = None if schema.task is Task.REGRESSION else class_values(schema)
        self._threshold = threshold
        self._several = schema.task is Task.MULTICLASS
        self._most = 1 if self._classes is None else 2
        self._each = schema.probabilities

    def __call__(self, raw: Column) -> dict[str, Column]:
        """Return the outputs by their names; `raw` has shape (n,), (n, 1) or (n, k) for k classes."""
        if self._several:
            return self._likeliest(raw)
        if raw.ndim > 1 and raw.shape[1] > self._most:
            raise ValueError(f"the model answers with shape {raw.shape} where (n, {self._most}) is expected")
        score = (raw if raw.ndim == 1 else raw[:, -1]).astype(np.float64, copy=False)
        if self._classes is None:
            return {"prediction": score}
        return {"label": self._classes.take(score > self._threshold), "probability": score}

    def _likeliest(self, raw: Column) -> dict[str, Column]:
        assert self._classes is not None
        if raw.ndim != 2 or raw.shape[1] != len(self._classes):
            raise ValueError(
                f"the model answers with shape {raw.shape} where {len(self._classes)} classes are expected"
            )
        p = raw.astype(np.float64, copy=False)
        best = p.argmax(axis=1)
        found = {"label": self._classes.take(best), "probability": p[np.arange(len(p)), best]}
        return found | dict(zip(self._each, p.T, strict=bool(self._each)))


def class_values(schema: Schema) -> Column:
    """Return the classes as an array of shape (n_classes,): object for texts, else their own type."""
    texts = any(isinstance(c, str) for c in schema.classes)
    return np.array(schema.classes, dtype=object) if texts else np.array(schema.classes)
