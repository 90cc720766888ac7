"""Run a Keras model through one traced function, never through `predict` (ten times slower on a row)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.errors import Unusable
from setpoint.runtime import Model
from setpoint.runtime.columns import Head, matrix

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same answer on every batch size
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

try:
    import keras
    import tensorflow as tf
except ImportError as e:
    raise Unusable("a Keras model needs TensorFlow, which is not installed: pip install 'setpoint[tensorflow]'") from e


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load a `.keras` or `.h5` model that was scanned before, without its training state.

    A Lambda layer is loaded only if `Lambda` is among `trusted` (default, right for a bundle only: as it is).
    """
    safe = trusted is not None and "Lambda" not in trusted
    return keras.saving.load_model(path, compile=False, safe_mode=safe)


def traced(model: Any) -> Any:
    """Return the model as a function of one float32 tensor of shape (n, n_features), traced once for every n."""
    signature = [tf.TensorSpec([None, model.input_shape[-1]], tf.float32)]
    return tf.function(lambda x: model(x, training=False), input_signature=signature)


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    return KerasModel(read(path), schema, threshold)


class KerasModel:
    """A Keras model with one numeric input of shape (n, n_features)."""

    def __init__(self, model: Any, schema: Schema, threshold: float = 0.5) -> None:
        self._call, self._names, self._outputs = traced(model), schema.names, Head(schema, threshold)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        raw = np.asarray(self._call(tf.constant(matrix(columns, self._names))))
        return self._outputs(raw)
