"""Run a version that answers otherwise than its model does: corrected, shifted and stretched before it is decided."""

from pathlib import Path

import numpy as np

from setpoint.domain.calibration import FloatArray, apply, corrected
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema, Task
from setpoint.domain.value import replace
from setpoint.domain.version import RESIDUAL_FILE, ModelVersion
from setpoint.runtime import Model
from setpoint.runtime.columns import Head


class Adjusted:
    """A model behind a residual model, a calibration or both; whatever runs it, so that versions without pay nothing.

    Parameters
    ----------
    model : Model
        Answers as the version would without either.
    residual : Model or None
        Answers corrections.
    """

    def __init__(self, model: Model, residual: Model | None, version: ModelVersion) -> None:
        self._model, self._residual, self._line = model, residual, version.calibration
        self._schema, self._outputs = version.schema, Head(version.schema, version.threshold)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        task, scores = self._schema.task, scores_of(self._model.predict(columns), self._schema)
        if self._residual is not None:
            scores = corrected(scores, self._residual.predict(columns)["prediction"], task)
        if self._line is not None:
            scores = apply(self._line, scores, task)
        return self._outputs(scores)


def adjusted(model: Model, folder: Path, version: ModelVersion) -> Model:
    """Return the model of a bundle behind what adjusts its answers."""
    if version.residual is None:
        return Adjusted(model, None, version)
    from setpoint.runtime.onnx import OnnxModel

    schema = schema_of(version.schema, version.residual.features)
    return Adjusted(model, OnnxModel((folder / RESIDUAL_FILE).read_bytes(), schema), version)


def schema_of(schema: Schema, features: tuple[str, ...]) -> Schema:
    """Return the schema of a residual model: some features of the version's, as floats, and corrections."""
    kept = tuple(replace(f, dtype=DType.FLOAT, contract=None) for f in schema.features if f.name in features)
    return replace(schema, features=kept, task=Task.REGRESSION, classes=(), tensors=(), own_output=None)


def scores_of(answers: Columns, schema: Schema) -> FloatArray:
    """Return what answers say before anything is decided: shape (n,), of several classes (n, n_classes)."""
    if schema.task is Task.MULTICLASS:
        return np.stack([answers[name] for name in schema.probabilities], axis=1)
    return np.asarray(answers[schema.score], np.float64)
