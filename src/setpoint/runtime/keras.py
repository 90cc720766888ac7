"""Run a Keras model through one traced function, never through `predict` (ten times slower on a row)."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.errors import Unusable
from setpoint.runtime import Model
from setpoint.runtime.columns import Head, matrix, tensors

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # the same answer on every batch size
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

try:
    import keras
    import tensorflow as tf
except ImportError as e:
    raise Unusable("a Keras model needs TensorFlow, which is not installed: pip install 'setpoint[tensorflow]'") from e

from setpoint.runtime.networks import Network, of_model, of_saved_model, traced


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load a `.keras` or `.h5` model that was scanned before, without its training state.

    A Lambda layer is loaded only if `Lambda` is among `trusted` (default, right for a bundle only: as it is).
    """
    safe = trusted is not None and "Lambda" not in trusted
    return keras.saving.load_model(path, compile=False, safe_mode=safe)


def network(path: Path, trusted: Sequence[str] | None = None) -> Network:
    """Load a `.keras` or `.h5` model, or a SavedModel, that was scanned before (see `read`)."""
    return of_saved_model(path) if path.is_dir() else of_model(read(path, trusted))


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    found = network(path)
    return KerasModel(replace(found, answer=schema.own_output or found.answer), schema, threshold)


class KerasModel:
    """A network with one numeric input of shape (n, n_features), or with the tensors of its schema."""

    def __init__(self, network: Network, schema: Schema, threshold: float = 0.5) -> None:
        self._call, self._schema, self._outputs = traced(network), schema, Head(schema, threshold)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        if self._schema.tensors:
            given = [tf.constant(tensor) for tensor in tensors(columns, self._schema.tensors).values()]
        else:
            given = [tf.constant(matrix(columns, self._schema.names))]
        return self._outputs(np.asarray(self._call(*given)))
