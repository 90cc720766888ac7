"""CatBoost models: `.cbm` and JSON files of `save_model`, and its scikit-learn estimators."""

from typing import Any

import numpy as np

from setpoint.deploy.importers._base import Signature
from setpoint.deploy.importers._boosting import EACH, RANKS, no_refit, task_of, versions
from setpoint.deploy.importers._onnx_graph import keep_scores
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime.catboost import loss_of, read
from setpoint.runtime.catboost import model_of as served

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]

refit = no_refit
NUMBERS = (
    "RMSE", "MAE", "Quantile", "GroupQuantile", "LogLinQuantile", "Expectile", "MAPE", "Huber", "Lq", "LogCosh",
    "RMSPE", "Poisson", "Tweedie",
)  # fmt: skip
TASKS = {
    "Logloss": Task.BINARY,
    "Focal": Task.BINARY,
    "MultiClass": Task.MULTICLASS,
    **dict.fromkeys(NUMBERS, Task.REGRESSION),
    "CrossEntropy": None,  # a probability, learnt from labels or from shares
    "PythonUserDefinedPerObject": None,  # the user's own: raw answers
}
RANKING = (
    "YetiRank", "YetiRankPairwise", "PairLogit", "PairLogitPairwise", "QueryRMSE", "QueryCrossEntropy", "QuerySoftMax",
    "LambdaMart", "StochasticFilter", "StochasticRank",
)  # fmt: skip
REFUSED = {**dict.fromkeys(RANKING, RANKS), "MultiClassOneVsAll": EACH.format("MultiClass")}


def signature(native: Any) -> Signature:
    """Return what the model says of itself (see `Importer`), class labels included."""
    if native.get_embedding_feature_indices():
        raise InvalidInput("the CatBoost model takes embeddings; Setpoint serves columns of numbers and texts")
    names = tuple(native.feature_names_)
    unnamed = names == tuple(str(i) for i in range(len(names)))
    return Signature(
        task=task_of(loss_of(native), TASKS, REFUSED, "CatBoost"),
        names=None if unnamed else names,
        width=len(names),
        classes=tuple(_plain(label) for label in native.classes_),
    )


def _plain(label: Any) -> str | int | bool:
    """Return a label as Python's own; CatBoost keeps whole numbers as floats where it was given floats."""
    own = label.item() if isinstance(label, np.generic) else label
    return int(own) if isinstance(own, float) and own.is_integer() else own


def to_onnx(native: Any, schema: Schema) -> bytes:
    """Let CatBoost write it; it has one float32 matrix as the input, and refuses categories."""
    from catboost.utils import convert_to_onnx_object

    raw: bytes = keep_scores(convert_to_onnx_object(native), "the converted model").SerializeToString()
    return raw


def packages() -> dict[str, str]:
    """Return the versions of what loading the file again depends on."""
    return versions("catboost")
