"""Columns as boosters take them: one float64 matrix in which a category stands as its code."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema
from setpoint.errors import InvalidInput
from setpoint.runtime.dataframe import frame

Codes = Mapping[object, float]  # of one feature: the code of each category; 1, 1.0 and True are one


def codes_of(categories: Collection[object]) -> Codes:
    """Return the code of each category: its place."""
    return {category: float(code) for code, category in enumerate(categories)}


def coded(columns: Columns, names: Collection[str], codes: Mapping[str, Codes]) -> Column:
    """Return features as a float64 matrix of shape (n, n_features).

    A category that the model has not seen is missing (NaN), as LightGBM itself takes it.
    """
    return np.column_stack([_coded(columns[name], codes.get(name)) for name in names])


def _coded(column: Column, codes: Codes | None) -> Column:
    return column if codes is None else np.array([codes.get(v, np.nan) for v in column.tolist()], np.float64)


def check_texts(schema: Schema, categorical: Collection[str], library: str) -> None:
    """Refuse a column of texts that the model has no categories for.

    Raises
    ------
    InvalidInput
        If there is one; the text names it.
    """
    texts = [f.name for f in schema.features if f.dtype is DType.STRING and f.name not in categorical]
    if texts:
        raise InvalidInput(
            f"{texts[0]!r} holds text in the reference, and the {library} model has no categories for it: it was "
            "trained on numbers. Put those into the reference, or save the encoder and the model together in one "
            "scikit-learn Pipeline"
        )


def categorical_frame(columns: Columns, schema: Schema, categorical: Collection[str]) -> pd.DataFrame:
    """Return features as a frame to train on: texts, and the features named, are of pandas' own type for categories."""
    table = frame(columns, schema)
    chosen = [f.name for f in schema.features if f.dtype is DType.STRING or f.name in categorical]
    return table.astype(dict.fromkeys(chosen, "category"))
