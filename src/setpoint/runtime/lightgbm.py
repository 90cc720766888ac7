"""Run a LightGBM booster as it is."""

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
    import lightgbm
except ImportError as e:
    raise Unusable("a LightGBM model needs lightgbm, which is not installed: pip install 'setpoint[boosting]'") from e


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load a booster from the text file that `save_model` writes: the trees up to the best one, by its default.

    Raises
    ------
    InvalidInput
        If the file breaks off, which LightGBM itself does not survive.
    """
    text = path.read_text(encoding="utf-8")
    if "\nversion=v4" in text[:100] and "\nend of trees" not in text:
        raise InvalidInput(f"{path.name} breaks off within its trees; save the model again, or copy it whole")
    return lightgbm.Booster(model_str=text)


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    return model_of(read(path), schema, threshold)


def model_of(native: Any, schema: Schema, threshold: float = 0.5) -> Model:
    """Return a booster, or an estimator that holds one, as it is served."""
    return LightGBMModel(booster_of(native), schema, threshold)


def booster_of(native: Any) -> Any:
    """Return the booster of an estimator, with the trees it answers with, as a file would give it back."""
    if isinstance(native, lightgbm.Booster):
        return native
    return lightgbm.Booster(model_str=native.booster_.model_to_string())


def fit_table(estimator: Any, columns: Columns, schema: Schema) -> pd.DataFrame:
    """Return rows as the estimator is trained on them, categories told as it knows them."""
    places = categorical_places(booster_of(estimator))
    return categorical_frame(columns, schema, {schema.names[i] for i in places})


def stopped_at(estimator: Any) -> int | None:
    """Return how many rounds of boosting were best, if it stopped early."""
    return int(estimator.best_iteration_) or None


def categorical_places(booster: Any) -> list[int]:
    """Return which features the trees split by sets of categories."""
    return sorted(booster.params.get("categorical_feature") or [])


def codes_by_feature(booster: Any, schema: Schema) -> Mapping[str, Codes]:
    """Return the codes of features that pandas told the categories of, as the file lists them.

    Raises
    ------
    InvalidInput
        If it cannot be told which list belongs to which feature, or a feature of texts has none.
    """
    lists = booster.pandas_categorical or []
    texts = [i for i, f in enumerate(schema.features) if f.dtype is DType.STRING]
    places = sorted({*categorical_places(booster), *texts}) if lists else []
    if len(places) != len(lists):
        raise InvalidInput(
            f"the file lists the categories of {len(lists)} columns without their names, and the model takes "
            f"{len(places)} for categories: {', '.join(schema.names[i] for i in places)}. Ordered categories are not "
            "told apart from numbers in such a file; train on unordered ones, or on codes"
        )
    codes = {schema.names[i]: codes_of(categories) for i, categories in zip(places, lists, strict=True)}
    check_texts(schema, codes, "LightGBM")
    return codes


class LightGBMModel:
    """A booster, asked with a float64 matrix, in one thread."""

    def __init__(self, booster: Any, schema: Schema, threshold: float = 0.5) -> None:
        self._booster, self._names, self._outputs = booster, schema.names, Head(schema, threshold)
        self._codes = codes_by_feature(booster, schema)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        X = coded(columns, self._names, self._codes)
        return self._outputs(np.asarray(self._booster.predict(X, num_threads=1)))
