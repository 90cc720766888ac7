"""What an ONNX graph says of its inputs, classes and outputs, and the graph with its score as the only output."""

from collections.abc import Iterator
from typing import Any

import onnx
from onnx import TensorProto, helper

from setpoint.domain.schema import Tensor
from setpoint.errors import InvalidInput

NOUN = "the graph"
FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
EXPORT = "export it with a first axis of any length (torch.onnx.export: `dynamic_shapes`; tf2onnx: None in the shape)"


def inputs_of(model: Any) -> tuple[Tensor, ...]:
    """Return the inputs by name, type and shape of one row; an axis of any length is 0.

    Raises
    ------
    InvalidInput
        If an input is no tensor, or the axis of rows has a fixed length.
    """
    weights = {w.name for w in model.graph.initializer}  # old graphs list them among the inputs
    return tuple(_input(i) for i in model.graph.input if i.name not in weights)


def _input(given: Any) -> Tensor:
    tensor = given.type.tensor_type
    if not given.type.HasField("tensor_type") or not tensor.HasField("shape") or not tensor.shape.dim:
        raise InvalidInput(f"input {given.name!r} of {NOUN} has no axis of rows; {EXPORT}")
    rows, *row = (dim.dim_value if dim.HasField("dim_value") else 0 for dim in tensor.shape.dim)
    if rows > 0:
        raise InvalidInput(
            f"input {given.name!r} of {NOUN} is for exactly {rows} row{'' if rows == 1 else 's'} at a time; {EXPORT}"
        )
    dtype = "string" if tensor.elem_type == TensorProto.STRING else _numpy_name(tensor.elem_type)
    return Tensor(name=given.name, shape=tuple(max(n, 0) for n in row), dtype=dtype)


def _numpy_name(kind: int) -> str:
    return str(helper.tensor_dtype_to_np_dtype(kind))


def classes_of(model: Any) -> tuple[str | int, ...]:
    """Return the labels that the classifiers of ai.onnx.ml in a graph agree on; none if there are none."""
    found = set(_labels(model))
    return found.pop() if len(found) == 1 else ()


def _labels(model: Any) -> Iterator[tuple[str | int, ...]]:
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in LABELS and (attribute.strings or attribute.ints):
                yield tuple(s.decode() for s in attribute.strings) or tuple(int(i) for i in attribute.ints)


def keep_scores(model: Any, name: str, asked: str | None = None) -> Any:
    """Return the graph with one output, the score: labels are told by the threshold, and maps are taken apart.

    Raises
    ------
    InvalidInput
        If no output is a score, or several are and none is asked for by its name.
    """
    _without_maps(model)
    named = [o.name for o in model.graph.output]
    if asked is not None and asked not in named:
        raise InvalidInput(f"`output: {asked}`: {name} has no such output; it has {', '.join(named)}")
    scores = [o for o in model.graph.output if o.type.tensor_type.elem_type in FLOATS and asked in (None, o.name)]
    if len(scores) > 1:
        scores = [o for o in scores if "prob" in o.name.lower()] or scores
    if len(scores) != 1:
        raise InvalidInput(_no_score(model, name, scores))
    del model.graph.output[:]
    model.graph.output.append(scores[0])
    return model


def _without_maps(model: Any) -> None:
    """Replace the output of each ZipMap, a map for each row, by the matrix it is made from."""
    graph = model.graph
    maps = {node.output[0]: node for node in graph.node if node.op_type == "ZipMap"}
    for output in graph.output:
        if output.name in maps:
            inner = maps[output.name].input[0]
            output.CopyFrom(helper.make_tensor_value_info(inner, TensorProto.FLOAT, None))
    for node in maps.values():
        graph.node.remove(node)


def _no_score(model: Any, name: str, scores: list[Any]) -> str:
    outputs = model.graph.output
    listed = ", ".join(f"{o.name!r} ({_kind(o)})" for o in outputs)
    if scores:
        return (
            f"{name} has {len(scores)} outputs that may be the score: {listed}. Which of them predicts the target? "
            f"Write `output: {scores[0].name}` (or another); the others are not served"
        )
    if any(not o.type.HasField("tensor_type") for o in outputs):
        return f"{name} answers maps ({listed}); convert the classifier with options={{'zipmap': False}}"
    return (
        f"{name} answers {listed}, and no number that can be compared with an outcome; export the probabilities (a "
        "classifier) or the prediction as float32"
    )


def _kind(output: onnx.ValueInfoProto) -> str:
    if not output.type.HasField("tensor_type"):
        return str(output.type.WhichOneof("value")).removesuffix("_type")
    return str(TensorProto.DataType.Name(output.type.tensor_type.elem_type)).lower()
