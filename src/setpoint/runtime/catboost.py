"""Run a CatBoost model as it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Feature, Schema
from setpoint.errors import Unusable
from setpoint.runtime import Model
from setpoint.runtime.categories import check_texts
from setpoint.runtime.columns import Head, matrix
from setpoint.runtime.dataframe import frame

try:
    import catboost
except ImportError as e:
    raise Unusable("a CatBoost model needs catboost, which is not installed: pip install 'setpoint[boosting]'") from e

FORMATS = {".json": "json"}
PROBABILITIES = ("Logloss", "CrossEntropy", "Focal", "MultiClass")
EXPONENTS = ("Poisson", "Tweedie")  # whose raw answer is the logarithm
MISSING = "nan"  # what texts of a column with nulls become before CatBoost takes it for categories
WHOLE = 2.0**53  # below, float64 holds every whole number; what is none is a category never seen


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load a model from what `save_model` writes, `.cbm` or JSON."""
    return catboost.CatBoost().load_model(str(path), format=FORMATS.get(path.suffix.lower(), "cbm"))


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    return model_of(read(path), schema, threshold)


def model_of(native: Any, schema: Schema, threshold: float = 0.5) -> Model:
    """Return a model, whichever of CatBoost's classes it is of, as it is served."""
    return CatBoostModel(native, schema, threshold)


def booster_of(native: Any) -> Any:
    """Return the model: CatBoost's estimators are one themselves."""
    return native


def loss_of(model: Any) -> str:
    """Return the name of what the model was trained to make small, without its parameters."""
    return str(model.get_all_params().get("loss_function", "")).partition(":")[0]


def fit_table(estimator: Any, columns: Columns, schema: Schema) -> pd.DataFrame:
    """Return rows as the estimator is trained on them: missing texts are texts."""
    table = frame(columns, schema)
    texts = [f.name for f in schema.features if f.dtype is DType.STRING]
    return table.assign(**{name: table[name].fillna(MISSING) for name in texts})


def stopped_at(estimator: Any) -> int | None:
    """Return how many trees there are, if not as many as it was to build: it stopped early, or went on from others."""
    trees = int(estimator.tree_count_)
    return trees if trees != int(estimator.get_all_params()["iterations"]) else None


class CatBoostModel:
    """A model, asked with a float32 matrix, or with rows of mixed values where some are categories; in one thread."""

    def __init__(self, model: Any, schema: Schema, threshold: float = 0.5) -> None:
        self._model, self._features, self._outputs = model, schema.features, Head(schema, threshold)
        places = {*model.get_cat_feature_indices(), *model.get_text_feature_indices()}
        self._texts = {schema.names[i] for i in places}
        check_texts(schema, self._texts, "CatBoost")
        loss = loss_of(model)
        self._kind = "Probability" if loss in PROBABILITIES else "Exponent" if loss in EXPONENTS else "RawFormulaVal"

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        return self._outputs(self._model.predict(self._rows(columns), prediction_type=self._kind, thread_count=1))

    def _rows(self, columns: Columns) -> Any:
        if not self._texts:
            return matrix(columns, [f.name for f in self._features])
        given = [_plain(columns[f.name], f) if f.name in self._texts else columns[f.name] for f in self._features]
        return [list(row) for row in zip(*given, strict=True)]


def _plain(column: Column, feature: Feature) -> list[str | int | bool]:
    """Return categories as Python's own values: CatBoost goes by how they are written."""
    if feature.dtype is DType.STRING:
        return [MISSING if v is None else v for v in column]
    kind = bool if feature.dtype is DType.BOOL else int
    return [kind(v) if v.is_integer() and abs(v) < WHOLE else str(v) for v in column.tolist()]
