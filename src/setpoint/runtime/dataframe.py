"""Columns as the data frames that scikit-learn's shape of models is trained on and asked with."""

import numpy as np
import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Schema


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
