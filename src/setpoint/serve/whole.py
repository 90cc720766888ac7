"""Inputs sent whole, to the fields they are made of.

An `image` of shape [28, 28, 1] becomes `image_0`, `image_1`, …; only models whose inputs are tensors have any. A field
can still be sent under its own name.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any

from setpoint.domain.schema import Tensor
from setpoint.errors import InvalidRequest
from setpoint.serve.misfit import shown

Tensors = Mapping[str, Tensor]


def unfolded_rows(rows: Sequence[Any], tensors: Tensors, names: Sequence[str]) -> list[Any]:
    """Return rows as lists in the order of the fields `names`, or as objects of fields, where they held tensors.

    `tensors` are named as the model has them, and as the column of lists that they were spread from.

    A model of one tensor takes it as the row itself. What is no tensor is passed on as it is.

    Raises
    ------
    InvalidRequest
        If a tensor has another shape.
    """
    own = set(tensors.values())
    only = own.pop() if len(own) == 1 else None
    unfolded: list[Any] = []
    for i, row in enumerate(rows):
        if type(row) is dict:
            unfolded.append(_fields(row, tensors, names, f"row {i}"))
        elif only and type(row) is list and row and type(row[0]) is list:
            unfolded.append(_values(row, only, f"row {i}"))
        else:
            unfolded.append(row)
    return unfolded


def unfolded_columns(columns: Mapping[str, Any], tensors: Tensors, names: Sequence[str]) -> dict[str, Any]:
    """Return one list a field, where some were lists of tensors (see `unfolded_rows`)."""
    unfolded: dict[str, Any] = {}
    for name, column in columns.items():
        if type(column) is not list or not column or not _is_whole(name, column[0], tensors, names):
            unfolded[name] = column
            continue
        rows = [_values(value, tensors[name], f"row {i}") for i, value in enumerate(column)]
        unfolded |= zip(tensors[name].features, map(list, zip(*rows, strict=True)), strict=True)
    return unfolded


def unfolded_tensor(tensor: Tensor, shape: tuple[int, ...], data: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Return one list a field of a tensor that is given flat, with rows along its first axis.

    Raises
    ------
    InvalidRequest
        If its rows have another shape; axes of length one may be left out, and one axis for all values does as well.
    """
    size = prod(tensor.shape)
    if shape[1:] != (size,) and _long(shape[1:]) != _long(tensor.shape):
        raise InvalidRequest(
            f"input {tensor.name!r}: shape {list(shape)}; expected {[shape[0], *tensor.shape]}",
            (f"shape:{tensor.name[:64]}",),
        )
    return {name: data[j::size] for j, name in enumerate(tensor.features)}


def folded(names: Sequence[str], given: Collection[str], tensors: Tensors) -> tuple[str, ...]:
    """Return the names of fields, with the tensor's in place of those of which none is given: what a caller lacks."""
    lacking = [t for t in tensors.values() if not any(name in given for name in t.features)]
    inside = {name for tensor in lacking for name in tensor.features}
    return (*(tensor.name for tensor in lacking), *(name for name in names if name not in inside))


def _fields(row: Mapping[str, Any], tensors: Tensors, names: Sequence[str], where: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in row.items():
        if _is_whole(name, value, tensors, names):
            fields |= zip(tensors[name].features, _values(value, tensors[name], where), strict=True)
        else:
            fields[name] = value
    return fields


def _is_whole(name: str, value: Any, tensors: Tensors, names: Sequence[str]) -> bool:
    """Whether a value is that of a tensor: a field may have the same name, and is no list."""
    return name in tensors and (type(value) is list or name not in names)


def _values(given: Any, tensor: Tensor, where: str) -> list[Any]:
    """Return the values of a tensor given as nested lists, as one list, or, where it has one value, bare."""
    size = prod(tensor.shape)
    shape = _shape(given)
    if shape != (size,) and _long(shape) != _long(tensor.shape):
        raise _misfit(tensor, where, f"got {shown(given)}" if not shape else f"got shape {list(shape)}")
    level = [given]
    for axis, length in enumerate(shape):
        odd = next((part for part in level if type(part) is not list or len(part) != length), None)
        if odd is not None:
            got = f"a list of {len(odd)}" if type(odd) is list else shown(odd)
            raise _misfit(tensor, where, f"got {got} along axis {axis}")
        level = list(chain.from_iterable(level))
    return level


def _shape(given: Any) -> tuple[int, ...]:
    """Return the shape that the first of nested lists has."""
    sizes = []
    while type(given) is list:
        sizes.append(len(given))
        given = given[0] if given else None
    return tuple(sizes)


def _long(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without its axes of length one, which may be left out: they move no value."""
    return tuple(size for size in shape if size != 1)


def _misfit(tensor: Tensor, where: str, got: str) -> InvalidRequest:
    expected = f"expected lists of shape {list(tensor.shape)}"
    name = f"{where}, input {tensor.name!r}"
    return InvalidRequest(f"{name}: {got}; {expected}", (f"shape:{tensor.name[:64]}",), f"{name}: {expected}")
