"""Boosters as a step of a scikit-learn pipeline: how skl2onnx is to convert them."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

OPTIONS = {"nocl": [True, False], "zipmap": [True, False, "columns"]}


def register_boosters() -> None:
    """Tell skl2onnx of the boosters of the libraries that a loaded model has brought in."""
    if "lightgbm" in sys.modules:
        import lightgbm
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        _register(lightgbm.LGBMClassifier, lightgbm.LGBMRegressor, convert_lightgbm, {"split": None})
    if "xgboost" in sys.modules:
        import xgboost
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

        _register(xgboost.XGBClassifier, xgboost.XGBRegressor, convert_xgboost)
    if "catboost" in sys.modules:
        import catboost

        _register(catboost.CatBoostClassifier, catboost.CatBoostRegressor, _convert_catboost, parser=_declare_catboost)


def _register(
    classifier: type, regressor: type, convert: Callable[..., None], options: Any = None, parser: Any = None
) -> None:
    shapes = calculate_linear_classifier_output_shapes
    update_registered_converter(classifier, classifier.__name__, shapes, convert, options=OPTIONS, parser=parser)
    shapes = calculate_linear_regressor_output_shapes
    update_registered_converter(regressor, regressor.__name__, shapes, convert, options=options)


def _declare_catboost(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """Declare a classifier's two outputs, which skl2onnx gives only to what scikit-learn calls a classifier."""
    step = scope.declare_local_operator(type(model).__name__, model)
    step.inputs = inputs
    labels = Int64TensorType() if np.issubdtype(np.asarray(model.classes_).dtype, np.number) else StringTensorType()
    step.outputs.append(scope.declare_local_variable("label", labels))
    step.outputs.append(scope.declare_local_variable("probabilities", FloatTensorType()))
    return list(step.outputs)


def _convert_catboost(scope: Any, operator: Any, container: Any) -> None:
    """Take the node of the trees from CatBoost's own export; its inputs and outputs are those of the step."""
    from catboost.utils import convert_to_onnx_object

    exported = convert_to_onnx_object(operator.raw_operator)
    trees = exported.graph.node[0]
    trees.input[:] = [i.full_name for i in operator.inputs]
    trees.output[:] = [o.full_name for o in operator.outputs]
    trees.name = scope.get_unique_operator_name(trees.op_type)
    container.nodes.append(trees)
    container.node_domain_version_pair_sets.update((o.domain, o.version) for o in exported.opset_import)
