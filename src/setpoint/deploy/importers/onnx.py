"""ONNX files: what onnxruntime serves as it is, with one output left, the score."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
from onnx.external_data_helper import load_external_data_for_model, uses_external_data

from setpoint.deploy.importers._base import Signature
from setpoint.deploy.importers._onnx_graph import NOUN, classes_of, inputs_of, keep_scores
from setpoint.deploy.importers._onnx_versions import check_runs
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime import Model
from setpoint.runtime.model import ONNX_FILE
from setpoint.runtime.onnx import OnnxModel

__all__ = ["answering", "packages", "read", "refit", "served", "signature", "to_onnx"]


def read(path: Path, trusted: Sequence[str] | None = None) -> Any:
    """Load a model that was scanned before; one whose tensors are in other files is a folder with a model.onnx.

    Raises
    ------
    InvalidInput
        If it is no ONNX file, lacks its tensors, or is newer than onnxruntime.
    """
    file = path / ONNX_FILE if path.is_dir() else path
    model = onnx.load(str(file), load_external_data=False)
    if any(uses_external_data(tensor) for tensor in model.graph.initializer):
        if not path.is_dir():
            raise InvalidInput(
                f"{path.name} keeps its tensors in another file. Write it as one file with onnx.save(onnx.load("
                f"{path.name!r}), 'whole.onnx'), or put both into a folder of their own, the model as {ONNX_FILE}, and "
                "write `artifact: folder`"
            )
        load_external_data_for_model(model, str(path))
    check_runs(model, file.name)
    return model


def answering(native: Any, output: str | None) -> Any:
    """Return the graph with one output left: the one that is named, or the only one that can be the score.

    Raises
    ------
    InvalidInput
        If there is no such output, none is a score, or several may be.
    """
    return keep_scores(native, NOUN, output)


def signature(native: Any) -> Signature:
    """Return what the graph says of its inputs, and its class labels where a classifier of ai.onnx.ml is in it."""
    inputs = inputs_of(native)
    classes = classes_of(native)
    said: dict[str, Any] = {"task": Task.BINARY if classes else None, "classes": classes}
    if (wide := len(classes) or _width(native)) > 2:
        said |= {"task": Task.MULTICLASS, "n_classes": wide}
    matrix = len(inputs) == 1 and inputs[0].dtype == "float32" and len(inputs[0].shape) == 1
    if matrix:
        width = inputs[0].shape[0]
        return Signature(names=None, width=width if width > 0 else None, **said)
    if all(i.shape == (1,) and i.dtype in ("float32", "float64", "string") for i in inputs):
        return Signature(names=tuple(i.name for i in inputs), width=len(inputs), **said)
    return Signature(names=None, width=None, tensors=inputs, **said)


def _width(native: Any) -> int:
    """Return how many numbers the graph answers for a row; 0 where it does not say."""
    shape = native.graph.output[0].type.tensor_type.shape.dim
    return int(shape[1].dim_value) if len(shape) == 2 else 0


def served(native: Any, schema: Schema, threshold: float) -> Model:
    """Return the graph as onnxruntime serves it: there is no other framework to compare it with."""
    return OnnxModel(to_onnx(native, schema), schema, threshold)


def refit(native: Any, columns: Columns, truth: Column, schema: Schema) -> Any:
    """Refuse: how a graph was trained is not in its file."""
    raise InvalidInput("an ONNX graph is not trained anew for a proposal")


def to_onnx(native: Any, schema: Schema) -> bytes:
    """Return the graph."""
    raw: bytes = native.SerializeToString()
    return raw


def packages() -> dict[str, str]:
    """Return the versions of what reads and runs the graph."""
    return {name: version(name) for name in ("onnx", "onnxruntime", "numpy")}
