"""Run a PyTorch network as it is: an exported program, TorchScript, or a state_dict with the code that takes it."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.artifact import artifact_of
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.errors import ModelFailed, Unusable
from setpoint.runtime import Model
from setpoint.runtime.columns import Head, matrix, tensors

try:
    import torch

    from setpoint.runtime import torch_files
except ImportError as e:
    raise Unusable("a PyTorch model needs torch, which is not installed: pip install 'setpoint[torch]'") from e


def read(path: Path, trusted: Sequence[str] | None = None) -> torch_files.Net:
    """Load a `.pt2`, `.pt`, `.pth` or `.ts` file that was scanned before; `net.pt:net.py:build` names a factory.

    Raises
    ------
    InvalidInput
        If the file is none of the three, lacks its factory, or does not fit what that returns.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is called deprecated, which its users know
        return torch_files.load(artifact_of(path))


def opened(path: Path, schema: Schema, threshold: float) -> Model:
    """Load the model of a bundle."""
    torch.set_num_threads(1)  # workers are processes
    return TorchModel(read(path), schema, threshold)


class TorchModel:
    """A network that takes one float32 matrix of shape (n, n_features), or the schema's tensors in order."""

    def __init__(self, net: torch_files.Net, schema: Schema, threshold: float = 0.5) -> None:
        self._net, self._outputs = net, Head(schema, threshold)
        self._arrays = _arrays(schema)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        given = [torch.from_numpy(a if a.flags.writeable else a.copy()) for a in self._arrays(columns)]
        named = dict(zip(self._net.keywords, given[self._net.positional :], strict=True))
        try:
            with torch.inference_mode():
                answer = self._net.call(*given[: self._net.positional], **named)
        except Exception as e:  # torch's own errors share no base class, and TorchScript's begin with a traceback
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in given)
            said = next((line for line in reversed(str(e).splitlines()) if line.strip()), type(e).__name__)
            raise ModelFailed(f"the network cannot take rows of shape {shapes}: {said.strip()[:200]}") from e
        return self._outputs(numbers(answer))


def _arrays(schema: Schema) -> Callable[[Columns], list[NDArray[Any]]]:
    asked, names = schema.tensors, schema.names
    if asked:
        return lambda columns: list(tensors(columns, asked).values())
    return lambda columns: [matrix(columns, names)]


def numbers(answer: Any) -> Column:
    """Return what a network answered as an array.

    Raises
    ------
    ModelFailed
        If it is no tensor of numbers a row.
    """
    while isinstance(answer, tuple | list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, torch.Tensor):
        kind = f"{len(answer)} values" if isinstance(answer, tuple | list | dict) else type(answer).__name__
        raise ModelFailed(f"the network answers {kind}; let it return one tensor: the prediction, or probabilities")
    array = answer.detach().to(torch.float64).cpu().numpy()
    if array.ndim not in (1, 2):
        raise ModelFailed(f"the network answers a tensor of shape {array.shape}; (rows,) or (rows, classes) is served")
    return np.asarray(array)
