"""Run an XGBoost booster as it is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema
from setpoint.errors import InvalidInput, Unusable
from setpoint.runtime import Model
from setpoint.runtime.categories import Codes, categorical_frame, check_texts, coded, codes_of
from setpoint.runtime.columns import Head

try:
    import xgboost
except ImportError as e:
    raise Unusable("an XGBoost model needs xgboost, which is not installed: pip install 'setpoint[boosting]'") from e

BY_ESTIMATOR = "scikit_learn"  # an attribute of boosters that its scikit-learn estimators save

SOFTMAX, SOFTPROB = "multi:softmax", "multi:softprob"


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load a booster from what `save_model` writes, JSON or UBJSON: its first bytes tell which."""
    booster = xgboost.Booster()
    booster.load_model(bytearray(path.read_bytes()))
    return booster


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    return model_of(read(path), schema, threshold)


def model_of(native: Any, schema: Schema, threshold: float = 0.5) -> Model:
    """Return a booster, or an estimator that holds one, as it is served."""
    return XGBoostModel(native, schema, threshold)


def booster_of(native: Any) -> Any:
    """Return the booster of an estimator."""
    return native if isinstance(native, xgboost.Booster) else native.get_booster()


def rounds(native: Any) -> int:
    """Return how many rounds of boosting answer: 0 for all.

    After early stopping, an estimator answers with those up to the best one, a bare booster with all.
    """
    booster = booster_of(native)
    best = booster.attr("best_iteration")
    of_estimator = native is not booster or booster.attr(BY_ESTIMATOR) is not None
    return int(best) + 1 if best is not None and of_estimator and not is_linear(booster) else 0


def stopped_at(estimator: Any) -> int | None:
    """Return how many rounds of boosting were best, if it stopped early."""
    return rounds(estimator) or None


def is_linear(booster: Any) -> bool:
    """Whether it boosts linear functions, not trees."""
    return bool(said(booster)["gradient_booster"]["name"] == "gblinear")


def said(booster: Any) -> Mapping[str, Any]:
    """Return what the booster says of its learner: objective, parameters, kind."""
    learner: Mapping[str, Any] = json.loads(booster.save_config())["learner"]
    return learner


def with_probabilities(booster: Any) -> None:
    """Let a booster of several classes answer how likely each is: it may be made to answer the likeliest alone."""
    if said(booster)["objective"]["name"] == SOFTMAX:
        booster.set_param({"objective": SOFTPROB})


def fit_table(estimator: Any, columns: Columns, schema: Schema) -> pd.DataFrame:
    """Return rows as the estimator is trained on them, categories told as it knows them."""
    return categorical_frame(columns, schema, categorical(booster_of(estimator), schema))


def categorical(booster: Any, schema: Schema) -> set[str]:
    """Return the features that the trees split by sets of categories."""
    kinds = booster.feature_types or []
    return {name for name, kind in zip(schema.names, kinds, strict=False) if kind == "c"}


def codes_by_feature(booster: Any, schema: Schema) -> Mapping[str, Codes]:
    """Return the codes of features whose categories the booster has kept; InvalidInput if one of texts has none."""
    kept = [] if is_linear(booster) else booster.get_categories(export_to_arrow=True).to_arrow()
    codes = {
        name: codes_of(categories.to_pylist())
        for name, (_, categories) in zip(schema.names, kept, strict=False)
        if categories is not None
    }
    nameless = categorical(booster, schema) - codes.keys()
    texts = [f.name for f in schema.features if f.dtype is DType.STRING and f.name in nameless]
    if texts:
        raise InvalidInput(
            f"{texts[0]!r} holds text in the reference, and the XGBoost model knows its categories by their codes "
            "alone, as those before 3.1 do; train it with a later one, or put the codes into the reference"
        )
    check_texts(schema, codes, "XGBoost")
    return codes


class XGBoostModel:
    """A booster, or an estimator with one, asked with a float64 matrix (it rounds to float32 itself), in one thread."""

    def __init__(self, native: Any, schema: Schema, threshold: float = 0.5) -> None:
        self._booster, self._names, self._outputs = booster_of(native), schema.names, Head(schema, threshold)
        self._codes, self._missing = codes_by_feature(self._booster, schema), getattr(native, "missing", np.nan)
        self._rounds, self._linear = (0, rounds(native)), is_linear(self._booster)
        self._booster.set_param({"nthread": 1})
        with_probabilities(self._booster)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        X = coded(columns, self._names, self._codes)
        if self._linear:
            table = xgboost.DMatrix(X, missing=self._missing, nthread=1)
            return self._outputs(self._booster.predict(table, validate_features=False))
        return self._outputs(
            self._booster.inplace_predict(
                X, iteration_range=self._rounds, missing=self._missing, validate_features=False
            )
        )
