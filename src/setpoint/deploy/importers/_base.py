"""The shape of an importer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task, Tensor
from setpoint.domain.value import value
from setpoint.runtime import Model


@value
class Signature:
    """What a model says of itself; None where it does not say.

    `names` are its inputs in order, `width` how many there are, `classes` the labels of a classifier, negative first
    of two; `n_classes` says how many there are where it has no labels for them.
    `tensors` are its inputs where they are other than one float matrix of shape (n, width), their features untold.
    `end` is the last step of a network, as its framework calls it.
    """

    task: Task | None
    names: tuple[str, ...] | None
    width: int | None
    classes: tuple[str | int | bool, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    end: str = ""
    n_classes: int | None = None


class Importer(Protocol):
    """Reads one framework's files. A module with these functions is one.

    That of a framework whose models may have several outputs also has `answering(native, output)`, which returns a
    model that answers by the output of that name, and asks for the name where it is None and there are several.
    """

    def read(self, path: Path, trusted: Sequence[str] | None = None) -> Any:
        """Load a model file that was scanned before."""

    def signature(self, native: Any) -> Signature:
        """Return what the model says of itself; InvalidInput if it is of a kind Setpoint does not serve."""

    def served(self, native: Any, schema: Schema, threshold: float) -> Model:
        """Return the model as the native runtime serves it."""

    def refit(self, native: Any, columns: Columns, truth: Column, schema: Schema) -> Any:
        """Return an untrained copy, fitted to these rows (`truth`: numbers, or the places of the classes)."""

    def to_onnx(self, native: Any, schema: Schema) -> bytes:
        """Convert; whatever the converter raises comes through."""

    def packages(self) -> dict[str, str]:
        """Return the versions of the packages that matter for loading the file again."""
