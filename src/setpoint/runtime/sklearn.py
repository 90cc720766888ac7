"""Run a scikit-learn estimator as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.errors import Unusable
from setpoint.runtime import Model
from setpoint.runtime.boosted import LIBRARIES, in_one_thread, runtime_of
from setpoint.runtime.columns import Head
from setpoint.runtime.dataframe import frame


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load an estimator from a joblib, pickle or skops file that was scanned before.

    Parameters
    ----------
    path : Path
    trusted : sequence of str, optional
        Types a skops file may hold beyond those skops knows. Default: those it names, which is right for a bundle
        only: its digests say that it is the file that was scanned.

    Raises
    ------
    Unusable
        If it holds a booster whose library is not installed; the text names the extra.
    """
    try:
        return _loaded(path, trusted)
    except ModuleNotFoundError as e:
        library = (e.name or "").partition(".")[0]
        if library not in LIBRARIES:
            raise
        raise Unusable(f"{path.name} needs {library}, which is not installed: pip install 'setpoint[boosting]'") from e


def _loaded(path: Path, trusted: Sequence[str] | None) -> Any:
    if path.suffix == ".skops":
        import skops.io

        named = skops.io.get_untrusted_types(file=path) if trusted is None else list(trusted)
        return skops.io.load(path, trusted=named)
    return joblib.load(path)


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    return model_of(read(path), schema, threshold)


def model_of(estimator: Any, schema: Schema, threshold: float = 0.5) -> Model:
    """Return an estimator as it is served: one of a boosting library by that library itself."""
    boosted = runtime_of(estimator)
    if boosted is None:
        return SklearnModel(in_one_thread(estimator), schema, threshold)
    found: Model = boosted.model_of(estimator, schema, threshold)
    return found


def fit_table(estimator: Any, columns: Columns, schema: Schema) -> pd.DataFrame | Column:
    """Return rows as the estimator is fitted on them: a frame, or a matrix if it knew no names."""
    boosted = runtime_of(estimator)
    if boosted is None:
        return SklearnModel(estimator, schema).rows(columns)
    table: pd.DataFrame = boosted.fit_table(estimator, columns, schema)
    return table


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
        if self._named:
            return frame(columns, self._schema)
        return np.column_stack([columns[name] for name in self._schema.names])
