"""Run a version whose answers are calibrated: its model's own are shifted and stretched before anything is decided."""

import numpy as np

from setpoint.domain.calibration import Calibration, FloatArray, apply
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.runtime import Model
from setpoint.runtime.columns import Head


class Calibrated:
    """A model behind a line; whatever runs it, so that a version without calibration pays nothing."""

    def __init__(self, model: Model, calibration: Calibration, schema: Schema, threshold: float) -> None:
        self._model, self._line, self._schema = model, calibration, schema
        self._outputs = Head(schema, threshold)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        raw = scores_of(self._model.predict(columns), self._schema)
        return self._outputs(apply(self._line, raw, self._schema.task))


def scores_of(answers: Columns, schema: Schema) -> FloatArray:
    """Return what answers say before anything is decided: shape (n,), of several classes (n, n_classes)."""
    if schema.task is Task.MULTICLASS:
        return np.stack([answers[name] for name in schema.probabilities], axis=1)
    return np.asarray(answers[schema.score], np.float64)
