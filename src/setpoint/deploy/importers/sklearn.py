"""scikit-learn estimators and pipelines from joblib, pickle and skops files."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np
import skl2onnx
import skl2onnx.common._container as container
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from setpoint.deploy.importers._base import Signature
from setpoint.deploy.importers._boosting import importer_of, loaded_versions
from setpoint.deploy.importers._pipelines import register_boosters
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import DType, Schema, Task
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.runtime import Model
from setpoint.runtime.boosted import untrained
from setpoint.runtime.columns import class_values
from setpoint.runtime.sklearn import fit_table, model_of, read

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]

OPSET = {"": 18, "ai.onnx.ml": 3}  # what every onnxruntime since 1.14 loads
MATRIX = "inputs"  # not the name of a column unless there is one of that name alone


def signature(native: Any) -> Signature:
    """Return what the estimator says of itself (see `Importer`)."""
    if not hasattr(native, "predict"):
        raise InvalidInput(
            f"the file holds a {type(native).__name__}, which has no predict; save the fitted estimator or pipeline"
        )
    boosted = importer_of(native)
    if boosted is None or hasattr(native, "fit"):  # a bare booster has none
        _check_fitted(native)
    if boosted is not None:
        said = boosted.signature(native)
        return replace(said, classes=_classes(native)) if _classifies(native) else said
    names = getattr(native, "feature_names_in_", None)
    classifies = _classifies(native)
    classes = _classes(native) if classifies else ()
    return Signature(
        task=_task_of(classes) if classifies else Task.REGRESSION,
        names=None if names is None else tuple(str(n) for n in names),
        width=getattr(native, "n_features_in_", None),
        classes=classes,
    )


def _check_fitted(native: Any) -> None:
    try:
        check_is_fitted(native)
    except NotFittedError as e:
        raise InvalidInput(f"the {type(native).__name__} in the file was never fitted; call fit, then save it") from e


def _classifies(native: Any) -> bool:
    return len(getattr(native, "classes_", ())) > 0  # a pipeline that ends in a CatBoostRegressor has none


def _task_of(classes: tuple[str | int | bool, ...]) -> Task:
    return Task.BINARY if len(classes) == 2 else Task.MULTICLASS


def _classes(native: Any) -> tuple[str | int | bool, ...]:
    classes, kind = native.classes_, type(native).__name__
    if isinstance(classes, list):
        raise InvalidInput(
            f"{kind} answers {len(classes)} targets at once; Setpoint serves models of one: save one each"
        )
    own = [c.item() if isinstance(c, np.generic) else c for c in classes]
    if len(own) < 2:
        raise InvalidInput(f"{kind} knows one class only, {own[0]!r}: it would answer that whatever comes")
    if not hasattr(native, "predict_proba"):
        raise InvalidInput(
            f"{kind} has no predict_proba; wrap it in CalibratedClassifierCV so that it gives probabilities"
        )
    return tuple(int(c) if isinstance(c, float) and c.is_integer() else c for c in own)


def served(native: Any, schema: Schema, threshold: float) -> Model:
    """Return the estimator as the native runtime serves it."""
    return model_of(native, schema, threshold)


def refit(native: Any, columns: Columns, truth: Column, schema: Schema) -> Any:
    """Return a clone fitted to these rows (see `Importer`)."""
    known = np.isfinite(truth)
    rows = {name: column[known] for name, column in columns.items()}
    y = truth[known] if schema.task is Task.REGRESSION else class_values(schema)[truth[known].astype(np.intp)]
    return untrained(native).fit(fit_table(native, rows, schema), y)


def to_onnx(native: Any, schema: Schema) -> bytes:
    """Convert with one float32 matrix as the input, or one input a column where texts or column names ask for it."""
    boosted = importer_of(native)
    if boosted is not None:
        return boosted.to_onnx(native, schema)
    by_column = [(f.name, _tensor_type(f.dtype)) for f in schema.features]
    if not schema.numeric_only or _selects_by_name(native):
        return _convert(native, by_column)
    return _convert(native, [(MATRIX, FloatTensorType([None, len(schema.features)]))])


def _convert(native: Any, inputs: list[tuple[str, Any]]) -> bytes:
    # the default, en_US, is missing on small systems, and onnxruntime then loads no text model; "C" is everywhere
    options: dict[Any, dict[str, Any]] = {kind: {"locale": "C"} for kind in (CountVectorizer, TfidfVectorizer)}
    if _classifies(native):
        options[id(native)] = {"zipmap": False}
    register_boosters()
    with _whole_bools():
        converted = skl2onnx.to_onnx(native, initial_types=inputs, options=options, target_opset=OPSET)
    raw: bytes = converted.SerializeToString()
    return raw


def _tensor_type(dtype: DType) -> Any:
    return StringTensorType([None, 1]) if dtype is DType.STRING else FloatTensorType([None, 1])


def _selects_by_name(native: Any) -> bool:
    """Whether a column transformer somewhere inside picks its columns by name."""
    if hasattr(native, "transformers"):
        return any(_has_text(columns) for _, _, columns in native.transformers)
    parts = [step for _, step in getattr(native, "steps", [])]
    inner = [getattr(native, name, None) for name in ("estimator", "regressor", "best_estimator_")]
    return any(_selects_by_name(part) for part in [*parts, *inner] if part is not None)


def _has_text(columns: Any) -> bool:
    return callable(columns) or isinstance(columns, str) or any(isinstance(c, str) for c in np.atleast_1d(columns))


@contextmanager
def _whole_bools() -> Iterator[None]:
    """Let skl2onnx write lists of bools as the integers ONNX wants; protobuf 7 no longer does it by itself."""
    make_node = container.make_node

    def plain(op_type: str, *args: Any, **attributes: Any) -> Any:
        return make_node(op_type, *args, **{k: _without_bools(v) for k, v in attributes.items()})

    container.make_node = plain
    try:
        yield
    finally:
        container.make_node = make_node


def _without_bools(attribute: Any) -> Any:
    if isinstance(attribute, list) and any(isinstance(v, bool | np.bool_) for v in attribute):
        return [int(v) for v in attribute]
    return attribute


def packages() -> dict[str, str]:
    """Return the versions of what a pickle of an estimator depends on."""
    own = {name: version(name) for name in ("scikit-learn", "numpy", "scipy", "joblib", "skl2onnx", "onnxruntime")}
    return {**own, **loaded_versions()}
