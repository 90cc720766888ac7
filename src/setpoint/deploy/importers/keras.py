"""Keras models with one numeric input and one score, from `.keras` and `.h5` files."""

from importlib.metadata import distributions, version
from typing import Any

import onnx
import tf2onnx
from onnx import numpy_helper

from setpoint.deploy.importers._base import Signature
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime import Model
from setpoint.runtime.keras import KerasModel, read, traced

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]

OPSET = 17
ENDS: dict[tuple[Any, Any], Task] = {
    ("sigmoid", 1): Task.BINARY,
    ("softmax", 2): Task.BINARY,
    ("linear", 1): Task.REGRESSION,
}


def signature(native: Any) -> Signature:
    """Return what the network says of itself (see `Importer`): its task is read from its last layer."""
    width = _width(native)
    end = getattr(getattr(native.layers[-1], "activation", None), "__name__", None)
    units = native.output_shape[-1]
    if len(native.output_shape) != 2 or units is None:
        raise InvalidInput(
            f"the network's output has shape {native.output_shape}; Setpoint serves (None, 1): a number or a sigmoid, "
            "and (None, n_classes): a softmax"
        )
    if units > 2:
        return Signature(task=Task.MULTICLASS, names=None, width=width, n_classes=units)
    return Signature(task=ENDS.get((end, units)), names=None, width=width)


def _width(native: Any) -> int:
    shape = native.input_shape
    if isinstance(shape, list | dict) or len(shape) != 2 or shape[-1] is None:
        raise InvalidInput(
            f"the network's input has shape {shape}; Setpoint serves one numeric input of shape (None, n)"
        )
    return int(shape[-1])


def served(native: Any, schema: Schema, threshold: float) -> Model:
    """Return the network as the native runtime serves it."""
    return KerasModel(native, schema, threshold)


def refit(native: Any, columns: Columns, truth: Column, schema: Schema) -> Any:
    """Refuse: how a network was trained is not in its file."""
    raise InvalidInput("a network is not trained anew for a proposal")


def to_onnx(native: Any, schema: Schema) -> bytes:
    """Convert the traced function; what it captured beside its variables (a Normalization's mean) becomes constant."""
    function = traced(native)
    converted, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    _freeze(converted.graph, function.get_concrete_function())
    raw: bytes = converted.SerializeToString()
    return raw


def _freeze(graph: onnx.GraphProto, concrete: Any) -> None:
    captured = {placeholder.name: outside for outside, placeholder in concrete.graph.captures}
    for dangling in [i for i in graph.input if i.name in captured]:
        graph.initializer.append(numpy_helper.from_array(captured[dangling.name].numpy(), dangling.name))
        graph.input.remove(dangling)


def packages() -> dict[str, str]:
    """Return the versions of what loading the file again depends on."""
    installed = {d.name for d in distributions()}
    return {
        n: version(n)
        for n in ("keras", "tensorflow", "tensorflow-cpu", "tf2onnx", "numpy", "onnxruntime")
        if n in installed
    }
