"""Keras models and SavedModels as one thing: a function of named inputs, with named outputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from setpoint.domain.schema import Tensor
from setpoint.errors import InvalidInput

SERVING = "serving_default"
Called = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of a network.

    `shape` has the axis of rows first; a size that varies is None, and so is a shape of which nothing is known.
    `activation` is that of the last layer, `made_by` the layer in words; both are empty where the file does not say.
    """

    name: str
    shape: tuple[int | None, ...] | None
    activation: str = ""
    made_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that is called with its inputs, and answers its outputs, both in their order.

    `inputs` have no features yet, and -1 for a size that varies; `rows` is the length of the axis of rows that each
    input must have, None for any. `answer` is the output that is served, None where that has to be asked.
    """

    call: Called
    inputs: tuple[Tensor, ...]
    rows: tuple[int | None, ...]
    outputs: tuple[Output, ...]
    answer: str | None

    @property
    def served(self) -> Output:
        """The output that is served."""
        return next(output for output in self.outputs if output.name == self.answer)


def of_model(model: Any) -> Network:
    """Return a Keras model as a network.

    Raises
    ------
    InvalidInput
        If it was never built: it has no shapes.
    """
    if not getattr(model, "inputs", None):
        raise InvalidInput(
            f"the {type(model).__name__} in the file has no inputs yet, for it was never built; start it with "
            "keras.Input, or call it once, and save it again"
        )
    outputs = _outputs(model)

    def call(tensors: Sequence[Any]) -> Sequence[Any]:
        given = tensors[0] if len(model.inputs) == 1 else keras.tree.pack_sequence_as(model.input, list(tensors))
        found: Sequence[Any] = keras.tree.flatten(model(given, training=False))
        return found

    return Network(
        call=call,
        inputs=tuple(_tensor(_input_name(x), x.shape[1:], x.dtype) for x in model.inputs),
        rows=(None,) * len(model.inputs),  # what a model was built with does not bind it
        outputs=outputs,
        answer=outputs[0].name if len(outputs) == 1 else None,
    )


def of_saved_model(folder: Path) -> Network:
    """Return the serving signature of a SavedModel as a network.

    Raises
    ------
    InvalidInput
        If it has none, or an input of which the rank is not known.
    """
    loaded = tf.saved_model.load(str(folder))
    names = list(loaded.signatures)
    if not names or (SERVING not in names and len(names) > 1):
        raise InvalidInput(
            f"{folder.name} has no signature {SERVING!r} (it has {', '.join(names) or 'none at all'}); write it with "
            f"model.export({folder.name!r}), or tf.saved_model.save(…, signatures=function)"
        )
    function = loaded.signatures[SERVING if SERVING in names else names[0]]
    specs = dict(sorted(function.structured_input_signature[1].items()))
    outputs = tuple(
        Output(name=name, shape=None if spec.shape.rank is None else tuple(spec.shape.as_list()))
        for name, spec in sorted(function.structured_outputs.items())
    )
    for name, spec in specs.items():
        if not spec.shape.rank:
            raise InvalidInput(f"{folder.name}: input {name!r} has no axis of rows; give it the shape [None, …]")

    def call(tensors: Sequence[Any]) -> Sequence[Any]:
        assert loaded is not None  # it holds the variables, and must live as long as this function
        found = function(**dict(zip(specs, tensors, strict=True)))
        return [found[output.name] for output in outputs]

    return Network(
        call=call,
        inputs=tuple(_tensor(name, spec.shape[1:], spec.dtype.name) for name, spec in specs.items()),
        rows=tuple(spec.shape[0] for spec in specs.values()),
        outputs=outputs,
        answer=outputs[0].name if len(outputs) == 1 else None,
    )


def traced(network: Network) -> Any:
    """Return the network as a function from its inputs to the output that is served, traced once for any rows."""
    place = network.outputs.index(network.served)
    asked = [tf.TensorSpec([None, *(s if s > 0 else None for s in t.shape)], t.dtype) for t in network.inputs]
    return tf.function(lambda *tensors: network.call(tensors)[place], input_signature=asked)


def _tensor(name: str, shape: Sequence[int | None], dtype: str) -> Tensor:
    return Tensor(name=name, shape=tuple(-1 if size is None else int(size) for size in shape), dtype=dtype)


def _input_name(tensor: Any) -> str:
    """Return the name of an input's layer: that of its tensor is another one in each process, unless it was given."""
    return str(tensor._keras_history.operation.name)


def _outputs(model: Any) -> tuple[Output, ...]:
    """Return the outputs in the order in which Keras flattens them: of a dict by its keys, else by their layers."""
    layers = [tensor._keras_history.operation for tensor in model.outputs]
    names = [layer.name for layer in layers]
    if len(names) > 1 and isinstance(model.output, dict):
        names = sorted(model.output)
    elif len(set(names)) < len(names):
        names = [f"output_{i}" for i in range(len(names))]
    return tuple(
        Output(name=name, shape=tuple(tensor.shape), activation=_activation(layer), made_by=_words(layer))
        for name, tensor, layer in zip(names, model.outputs, layers, strict=True)
    )


def _activation(layer: Any) -> str:
    while getattr(layer, "layers", None):  # a model as a layer
        layer = layer.layers[-1]
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _words(layer: Any) -> str:
    return f"layer {layer.name!r} ({type(layer).__name__})"
