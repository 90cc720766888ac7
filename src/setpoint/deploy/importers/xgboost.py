"""XGBoost boosters: JSON and UBJSON files of `save_model`, and what its scikit-learn estimators hold."""

from collections.abc import Mapping
from typing import Any

from setpoint.deploy.importers._base import Signature
from setpoint.deploy.importers._boosting import BARE, MATRIX, RANKS, no_refit, task_of, versions
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime.xgboost import SOFTMAX, SOFTPROB, booster_of, is_linear, read, rounds, said, with_probabilities
from setpoint.runtime.xgboost import model_of as served

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]

refit = no_refit
NUMBERS = (
    "reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror",
    "reg:expectileerror", "reg:gamma", "reg:tweedie", "reg:linear", "count:poisson",
)  # fmt: skip
TASKS = {
    "binary:logistic": Task.BINARY,
    **dict.fromkeys((SOFTPROB, SOFTMAX), Task.MULTICLASS),
    **dict.fromkeys(NUMBERS, Task.REGRESSION),
    "reg:logistic": None,  # a probability, learnt from labels or from shares
}
REFUSED = {
    **dict.fromkeys(("rank:pairwise", "rank:ndcg", "rank:map"), RANKS),
    "binary:logitraw": BARE.format("margins"),
    "binary:hinge": BARE.format("labels"),
}


def signature(native: Any) -> Signature:
    """Return what the booster says of itself (see `Importer`); its file holds no class labels."""
    booster = booster_of(native)
    learner = said(booster)
    objective = str(learner["objective"]["name"])
    task = task_of(objective, TASKS, REFUSED, "XGBoost")
    _check_one_output(learner["learner_model_param"])
    names = booster.feature_names
    return Signature(
        task=task,
        names=None if names is None else tuple(names),
        width=booster.num_features(),
        n_classes=int(learner["learner_model_param"]["num_class"]) if task is Task.MULTICLASS else None,
    )


def _check_one_output(learner: Mapping[str, str]) -> None:
    targets = int(learner["num_target"])
    if targets > 1:
        raise InvalidInput(
            f"the XGBoost model answers {targets} numbers a row (several targets, or several quantiles); Setpoint "
            "serves models of one: save one each"
        )


def to_onnx(native: Any, schema: Schema) -> bytes:
    """Convert with one float32 matrix as the input; a booster with categories stays with XGBoost."""
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    booster = booster_of(native)
    if "c" in (booster.feature_types or []):
        raise InvalidInput("a conversion of its categories would be wrong; XGBoost itself serves them")
    if is_linear(booster):
        raise InvalidInput("boosted linear functions are not converted")
    best = booster[: rounds(native) or booster.num_boosted_rounds()]  # a copy
    with_probabilities(best)
    best.feature_names = best.feature_types = None  # the converter takes no other names than f0, f1, …
    inputs = [(MATRIX, FloatTensorType([None, len(schema.features)]))]
    raw: bytes = onnxmltools.convert_xgboost(best, initial_types=inputs).SerializeToString()
    return raw


def packages() -> dict[str, str]:
    """Return the versions of what loading the file again depends on."""
    return versions("xgboost")
