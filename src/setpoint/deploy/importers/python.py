"""A class of the user's own, `model.py:Class`: run as it is."""

from importlib.metadata import version
from typing import Any

from setpoint.deploy.importers._base import Signature
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput
from setpoint.runtime import Model
from setpoint.runtime.python import Own, PythonModel, read

__all__ = ["packages", "read", "refit", "served", "signature", "to_onnx"]


def signature(native: Own) -> Signature:
    """Return what the object says in `task`, `classes` and `features`, if it has them."""
    kept, where = native.kept, f"{native.file.name}: {type(native.kept).__name__}"
    if not callable(getattr(kept, "predict", None)):
        raise InvalidInput(f"{where} has no predict(frame), which takes a data frame and returns numbers")
    features = getattr(kept, "features", None)
    names = None if features is None else tuple(map(str, features))
    return Signature(
        task=_task(kept, where),
        names=names,
        width=None if names is None else len(names),
        classes=tuple(getattr(kept, "classes", ())),
    )


def _task(kept: Any, where: str) -> Task | None:
    said = getattr(kept, "task", None)
    if said is not None and said not in list(Task):
        raise InvalidInput(f"{where}.task is {said!r}; it is one of {', '.join(Task)}")
    return None if said is None else Task(said)


def served(native: Own, schema: Schema, threshold: float) -> Model:
    """Return the object as the native runtime serves it."""
    return PythonModel(native, schema, threshold)


def refit(native: Own, columns: Columns, truth: Column, schema: Schema) -> Any:
    """Refuse: how the object came to be is not known."""
    raise InvalidInput("a class of your own is not trained anew for a proposal")


def to_onnx(native: Own, schema: Schema) -> bytes:
    """Refuse: what Python code does has no form in ONNX."""
    raise InvalidInput("a class of your own is run as it is")


def packages() -> dict[str, str]:
    """Return the versions of what is given to `predict`."""
    return {name: version(name) for name in ("numpy", "pandas")}
