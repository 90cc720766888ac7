"""Keras models from `.keras` and `.h5` files, and SavedModels."""

from dataclasses import replace
from importlib.metadata import distributions, version
from typing import Any

import keras
import onnx
import tensorflow as tf
import tf2onnx
from onnx import numpy_helper

from setpoint.deploy.importers._base import Signature
from setpoint.deploy.importers._keras_files import read
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime import Model
from setpoint.runtime.keras import KerasModel
from setpoint.runtime.networks import Network, Output, traced

__all__ = ["answering", "packages", "read", "refit", "served", "signature", "to_onnx"]

OPSET = 17
ENDS: dict[tuple[Any, Any], Task] = {
    ("sigmoid", 1): Task.BINARY,
    ("softmax", 2): Task.BINARY,
    ("linear", 1): Task.REGRESSION,
}


def answering(native: Network, output: str | None) -> Network:
    """Return the network that answers by one of its outputs.

    Raises
    ------
    InvalidInput
        If it has several and none is named, or there is none of that name.
    """
    names = [o.name for o in native.outputs]
    if output is None and native.answer is None:
        listed = "; ".join(f"{o.name} {_spelt(o.shape)} {o.activation}".rstrip() for o in native.outputs)
        raise InvalidInput(
            f"the network has {len(names)} outputs: {listed}. Which of them predicts the target? Write `output: "
            f"{names[0]}` (or another); the others are not served"
        )
    if output is not None and output not in names:
        raise InvalidInput(f"`output: {output}`: the network has no such output; it has {', '.join(names)}")
    return replace(native, answer=output or native.answer)


def signature(native: Network) -> Signature:
    """Return what the network says of itself (see `Importer`): its task is read from its last layer."""
    for tensor, rows in zip(native.inputs, native.rows, strict=True):
        if rows is not None:
            raise InvalidInput(
                f"the network's input {tensor.name!r} is for exactly {rows} row{'s' * (rows != 1)} at a time; export "
                "it with any number of rows, None, as its first size"
            )
    units = _units(native.served)
    task = Task.MULTICLASS if units > 2 else ENDS.get((native.served.activation, units))
    end, n_classes = native.served.made_by, units if units > 2 else None
    said = Signature(task=task, names=None, width=None, n_classes=n_classes, end=end)
    first = native.inputs[0]
    if len(native.inputs) == 1 and first.dtype == "float32" and len(first.shape) == 1 and first.shape[0] > 0:
        return replace(said, width=first.shape[0])
    return replace(said, tensors=native.inputs)


def _units(output: Output) -> int:
    """Return how many numbers the network answers for a row."""
    match output.shape:
        case (_,):
            return 1
        case (_, int(units)):
            return units
    raise InvalidInput(
        f"the network's output {output.name!r}{_by(output)} has shape {_spelt(output.shape)} (read by Keras "
        f"{keras.__version__}); Setpoint serves (None, 1): a number or a sigmoid, and (None, n_classes): a softmax"
    )


def _by(output: Output) -> str:
    return f" of {output.made_by}" if output.made_by else ""


def _spelt(shape: tuple[int | None, ...] | None) -> str:
    return "unknown" if shape is None else f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def served(native: Network, schema: Schema, threshold: float) -> Model:
    """Return the network as the native runtime serves it."""
    return KerasModel(native, schema, threshold)


def refit(native: Network, columns: Columns, truth: Column, schema: Schema) -> Any:
    """Refuse: how a network was trained is not in its file."""
    raise InvalidInput("a network is not trained anew for a proposal")


def to_onnx(native: Network, schema: Schema) -> bytes:
    """Convert the traced function; what it captured beside its variables (a Normalization's mean) becomes constant."""
    function = traced(native)
    converted, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    _freeze(converted.graph, function.get_concrete_function())
    raw: bytes = converted.SerializeToString()
    return raw


def _freeze(graph: onnx.GraphProto, concrete: Any) -> None:
    captured = {placeholder.name: outside for outside, placeholder in concrete.graph.captures}
    if any(i.name in captured and captured[i.name].dtype == tf.resource for i in graph.input):
        raise InvalidInput("the network looks values up in a table, for which ONNX has nothing")
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
