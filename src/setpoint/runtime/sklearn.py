"""Run a scikit-learn estimator as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Schema, Task
from setpoint.runtime import Model
from setpoint.runtime.columns import Head


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load an estimator from a joblib, pickle or skops file that was scanned before.

    Parameters
    ----------
    path : Path
    trusted : sequence of str, optional
        Types a skops file may hold beyond those skops knows. Default: those it names, which is right for a bundle
        only: its digests say that it is the file that was scanned.
    """
    if path.suffix == ".skops":
        import skops.io

        named = skops.io.get_untrusted_types(file=path) if trusted is None else list(trusted)
        return skops.io.load(path, trusted=named)
    return joblib.load(path)


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    return SklearnModel(read(path), schema, threshold)


class SklearnModel:
    """An estimator, asked with the frame (or, if it was fitted without names, the matrix) it was fitted on."""

    def __init__(self, estimator: Any, schema: Schema, threshold: float = 0.5) -> None:
        self._estimator, self._schema, self._outputs = estimator, schema, Head(schema, threshold)
        self._named = getattr(estimator, "feature_names_in_", None) is not None or not schema.numeric_only

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        X = self.rows(columns)
        if self._schema.task is Task.REGRESSION:
            return self._outputs(np.asarray(self._estimator.predict(X), np.float64).reshape(-1))
        return self._outputs(np.asarray(self._estimator.predict_proba(X), np.float64))

    def rows(self, columns: Columns) -> pd.DataFrame | Column:
        """Return columns as the estimator takes them."""
        return frame(columns, self._schema) if self._named else _matrix64(columns, self._schema)


def frame(columns: Columns, schema: Schema) -> pd.DataFrame:
    """Return the features as a frame with the reference's types; a column with nulls is float64, a missing text NaN."""
    return pd.DataFrame({f.name: _typed(columns[f.name], f) for f in schema.features}, copy=False)


def _typed(column: Column, feature: Feature) -> Column:
    match feature.dtype:
        case DType.STRING:
            return np.array([np.nan if v is None else v for v in column], dtype=object)
        case DType.FLOAT:
            return column
        case DType.INT:
            whole = np.isfinite(column).all() and (np.trunc(column) == column).all()
            return column.astype(np.int64) if whole else column
        case DType.BOOL:
            return column if np.isnan(column).any() else column.astype(bool)


def _matrix64(columns: Columns, schema: Schema) -> Column:
    return np.column_stack([columns[name] for name in schema.names])
