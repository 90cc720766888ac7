"""LightGBM boosters: text files of `save_model`, and what its scikit-learn estimators hold."""

from typing import Any

from setpoint.deploy.importers._base import Signature
from setpoint.deploy.importers._boosting import EACH, MATRIX, RANKS, no_refit, task_of, versions
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime.lightgbm import booster_of, codes_by_feature, read
from setpoint.runtime.lightgbm import model_of as served

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]

refit = no_refit
NUMBERS = (
    "regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie",
    "cross_entropy_lambda",
)  # fmt: skip
TASKS = {
    "binary": Task.BINARY,
    "multiclass": Task.MULTICLASS,
    **dict.fromkeys(NUMBERS, Task.REGRESSION),
    "cross_entropy": None,  # a probability, learnt from labels or from shares
    "": None,  # the user's own: raw margins
}
REFUSED = {**dict.fromkeys(("lambdarank", "rank_xendcg"), RANKS), "multiclassova": EACH.format("multiclass")}


def signature(native: Any) -> Signature:
    """Return what the booster says of itself (see `Importer`); its file holds no class labels."""
    said = _head(booster_of(native))
    objective = said.get("objective", "").split(" ")[0]
    names = tuple(said["feature_names"].split(" "))
    unnamed = names == tuple(f"Column_{i}" for i in range(len(names)))
    task = task_of(objective, TASKS, REFUSED, "LightGBM")
    return Signature(
        task=task,
        names=None if unnamed else names,
        width=len(names),
        n_classes=int(said["num_class"]) if task is Task.MULTICLASS else None,
    )


def _head(booster: Any) -> dict[str, str]:
    """Return the lines before the first tree, by their names."""
    lines = booster.model_to_string(num_iteration=1).partition("\nTree=")[0].splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def to_onnx(native: Any, schema: Schema) -> bytes:
    """Convert with one float32 matrix as the input; a booster of pandas' categories stays with LightGBM."""
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    booster = booster_of(native)
    if codes_by_feature(booster, schema):
        raise InvalidInput("a conversion of its categories would be wrong; LightGBM itself serves them")
    inputs = [(MATRIX, FloatTensorType([None, len(schema.features)]))]
    converted = onnxmltools.convert_lightgbm(booster, initial_types=inputs, zipmap=False)
    raw: bytes = converted.SerializeToString()
    return raw


def packages() -> dict[str, str]:
    """Return the versions of what loading the file again depends on."""
    return versions("lightgbm")
