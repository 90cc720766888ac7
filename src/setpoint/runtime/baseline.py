"""The model that a baseline is: it answers from the request alone."""

from typing import cast

import numpy as np

from setpoint.domain.baseline import Baseline, class_codes
from setpoint.domain.calibration import FloatArray
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.runtime.columns import Head


class BaselineModel:
    """Answers rows as a baseline says; a row whose column says nothing gets no number.

    Parameters
    ----------
    baseline : Baseline
        That fits the schema, and names no version.
    schema : Schema
    threshold : float
        From which on the second of two classes is decided.
    """

    def __init__(self, baseline: Baseline, schema: Schema, threshold: float) -> None:
        self._baseline, self._schema, self._head = baseline, schema, Head(schema, threshold)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        return self._head(self._scores(columns))

    def _scores(self, columns: Columns) -> FloatArray:
        n, schema, name = len(next(iter(columns.values()))), self._schema, self._baseline.column
        if schema.task is Task.REGRESSION:
            if name is not None:
                return np.asarray(columns[name], np.float64)
            return np.full(n, float(cast(float, self._baseline.constant)))
        if name is None:
            return self._constant(n)
        feature = next(f for f in schema.features if f.name == name)
        codes = class_codes(schema, feature)
        return self._decided(np.array([codes.get(v, -1) for v in columns[name].tolist()]))

    def _constant(self, n: int) -> FloatArray:
        constant, schema = self._baseline.constant, self._schema
        if schema.task is Task.BINARY and constant not in schema.classes:
            return np.full(n, float(cast(float, constant)))
        return self._decided(np.full(n, schema.classes.index(cast(str, constant))))

    def _decided(self, classes: Column) -> FloatArray:
        """Return all the probability for one class a row, none of it where that is -1."""
        sure = np.where(classes[:, None] < 0, np.nan, np.eye(len(self._schema.classes))[classes])
        return sure[:, 1] if self._schema.task is Task.BINARY else sure
