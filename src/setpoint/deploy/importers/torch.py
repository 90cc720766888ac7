"""PyTorch networks: exported programs (`.pt2`), TorchScript, and a state_dict with a factory."""

import io
from importlib.metadata import distributions, version
from typing import Any

import torch

from setpoint.deploy.importers._base import Signature
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.errors import InvalidInput
from setpoint.runtime import Model
from setpoint.runtime.torch import TorchModel, read
from setpoint.runtime.torch_files import Net

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]

OPSET = 18


def signature(native: Net) -> Signature:
    """Return the inputs that a program tells; of others the width of the reference decides."""
    said = Signature(task=None, names=None, width=None, end=native.end)
    if not native.inputs:
        return said
    first = native.inputs[0]
    if len(native.inputs) == 1 and first.dtype == "float32" and len(first.shape) == 1:
        return Signature(task=None, names=None, width=first.shape[0] or None, end=native.end)
    return Signature(task=None, names=None, width=None, tensors=native.inputs, end=native.end)


def served(native: Net, schema: Schema, threshold: float) -> Model:
    """Return the network as the native runtime serves it."""
    return TorchModel(native, schema, threshold)


def refit(native: Net, columns: Columns, truth: Column, schema: Schema) -> Any:
    """Refuse: how a network was trained is not in its file."""
    raise InvalidInput("a network is not trained anew for a proposal")


def to_onnx(native: Net, schema: Schema) -> bytes:
    """Export the program; a module becomes one first, and TorchScript goes through the exporter made for it."""
    example = torch.zeros(2, len(schema.features))
    if native.script is not None:
        return _scripted(native.script, example)
    program = native.program
    if program is None:
        program = torch.export.export(native.module, (example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    exported = torch.onnx.export(program, dynamo=True, verbose=False)
    raw: bytes = exported.model_proto.SerializeToString()
    return raw


def _scripted(script: Any, example: Any) -> bytes:
    file = io.BytesIO()
    axes = {"inputs": {0: "n"}}
    torch.onnx.export(
        script, (example,), file, dynamo=False, input_names=["inputs"], dynamic_axes=axes, opset_version=OPSET
    )
    return file.getvalue()


def packages() -> dict[str, str]:
    """Return the versions of what loading the file again depends on."""
    installed = {d.name for d in distributions()}
    return {n: version(n) for n in ("torch", "onnxscript", "numpy", "onnxruntime") if n in installed}
