"""The classes of a target, as the model and the reference together tell them."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.deploy.reference import plain
from setpoint.domain.schema import Task
from setpoint.errors import InvalidInput

Label = str | int | bool


def classes_of_target(
    values: pa.ChunkedArray, target: str, task: Task, own: Sequence[Label] = (), n_classes: int | None = None
) -> tuple[Label, ...]:
    """Return the classes in the model's order: its own, or those of the target, sorted, numbers before texts.

    Parameters
    ----------
    values : pyarrow.ChunkedArray
        The target's column.
    own : sequence
        The model's own labels. Of several the reference may lack some. Where they are texts and the target holds
        whole numbers, those are their places.
    n_classes : int, optional
        How many there are where the model has no labels. Whole numbers below it are their own places.

    Raises
    ------
    InvalidInput
        If the target does not hold such classes.
    """
    found: set[Any] = {v for v in plain(pc.unique(values)) if v is not None}
    _check_count(found, target, task)
    fits = found <= set(own) if task is Task.MULTICLASS else found == set(own)
    if own and not fits and all(isinstance(c, str) for c in own) and found <= set(range(len(own))):
        return tuple(range(len(own)))
    if own and not fits:
        raise InvalidInput(
            f"the model's classes are {list(own)}, those of target {target!r} in the reference are {_listed(found)}"
        )
    classes = tuple(own) or _sorted(found, target, n_classes)
    if task is Task.MULTICLASS and len(classes) < 3:
        raise InvalidInput(f"task multiclass has three classes or more; of {_listed(classes)} write `task: binary`")
    if any(isinstance(c, float) for c in classes):
        raise InvalidInput(
            f"the classes of target {target!r} are {_listed(found)}; labels must be texts, whole numbers or bools"
        )
    if len({str(c) for c in classes}) < len(classes):
        raise InvalidInput(
            f"two classes of target {target!r} are spelt alike: {_listed(classes)}; give each its own name"
        )
    return classes


def _check_count(found: set[Any], target: str, task: Task) -> None:
    if task is Task.BINARY and len(found) != 2:
        raise InvalidInput(
            f"task binary needs two classes in target {target!r}; the reference has {len(found)}: {_listed(found)}"
            + ("" if len(found) < 2 else ". For more classes write `task: multiclass`, for a number `task: regression`")
        )
    if task is Task.MULTICLASS and len(found) < 2:
        raise InvalidInput(
            f"task multiclass needs rows of several classes in target {target!r}; the reference has {len(found)}: "
            f"{_listed(found)}"
        )


def _sorted(found: set[Any], target: str, n_classes: int | None) -> tuple[Label, ...]:
    if n_classes is not None and found <= set(range(n_classes)):
        return tuple(range(n_classes))
    if n_classes is not None and n_classes != len(found):
        raise InvalidInput(
            f"the model tells apart {n_classes} classes and has no labels for them, and target {target!r} in the "
            f"reference holds {len(found)}: {_listed(found)}. Use a reference that has every class"
        )
    return tuple(sorted(found, key=lambda label: (isinstance(label, str), label)))


def _listed(labels: Any) -> str:
    first = sorted(labels, key=str)[:5]
    return ", ".join(map(repr, first)) + (", …" if len(labels) > len(first) else "")
