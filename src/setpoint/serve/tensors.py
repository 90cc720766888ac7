"""Bodies of the v2 (Open Inference) protocol, to checked rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from setpoint.domain.schema import DType
from setpoint.errors import InvalidRequest
from setpoint.serve.decode import lacks, parse
from setpoint.serve.form import Form, Rows
from setpoint.serve.identity import accepted_id
from setpoint.serve.misfit import listed, shown
from setpoint.serve.wire import DATATYPES


@dataclass(frozen=True, slots=True)
class Asked:
    """A decoded v2 request: the rows, the caller's id, and the outputs asked for (None: all)."""

    rows: Rows
    id: str | None = None
    outputs: tuple[str, ...] | None = None


def decode_v2(body: bytes, form: Form) -> Asked:
    """Return the rows of `{"inputs": [{"name", "shape", "datatype", "data"}, …]}`, and what is asked of the answer.

    Raises
    ------
    Malformed
        If the body is not JSON.
    InvalidRequest
        If it does not fit the schema.
    """
    document, strict = parse(body)
    if type(document) is not dict or "inputs" not in document:
        raise lacks("inputs", document, '{"inputs": [{"name": …, "shape": […], "datatype": …, "data": […]}, …]}')
    inputs = document["inputs"]
    if type(inputs) is not list or not inputs:
        raise InvalidRequest(f"'inputs' is {shown(inputs)}; expected a list of tensors", ("empty:inputs",))
    tensors = [_tensor(i, given) for i, given in enumerate(inputs)]
    rows = rows_of(tensors, form, strict=strict)
    return Asked(rows, request_id(document.get("id")), requested(document.get("outputs"), form))


def rows_of(tensors: "Sequence[Tensor]", form: Form, *, strict: bool) -> Rows:
    """Return the rows of checked tensors: one for all fields, or one a field in any order.

    Raises
    ------
    InvalidRequest
        If they do not fit the schema.
    """
    return _matrix(tensors[0], form, strict) if _is_matrix(tensors, form) else _features(tensors, form, strict)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input: its values flat, in row-major order, as many as the shape says."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: Sequence[Any]


def _tensor(i: int, given: Any) -> Tensor:
    """Return one input tensor whose parts agree with one another."""
    if type(given) is not dict:
        raise InvalidRequest(f"input {i} is a {shown(given)}; expected an object", ("shape:inputs",))
    missing = [key for key in ("name", "shape", "datatype", "data") if key not in given]
    if missing:
        raise InvalidRequest(f"input {i} has no {missing[0]!r}", (f"missing:{missing[0]}",))
    name, shape, datatype, data = given["name"], given["shape"], given["datatype"], given["data"]
    if type(name) is not str:
        raise InvalidRequest(f"input {i}: 'name' is a {shown(name)}; expected a string", ("type:name",))
    if type(datatype) is not str or datatype not in DATATYPES:
        raise InvalidRequest(
            f"input {name!r}: datatype {datatype!r} is unknown; known: {', '.join(sorted(DATATYPES))}",
            (f"type:{name[:64]}",),
        )
    if type(shape) is not list or not all(type(side) is int and side >= 0 for side in shape):
        raise InvalidRequest(f"input {name!r}: shape {shape!r} is no list of sizes", (f"shape:{name[:64]}",))
    if type(data) is not list:
        raise InvalidRequest(f"input {name!r}: 'data' is a {shown(data)}; expected a list", (f"type:{name[:64]}",))
    flat = _flat(data)
    if prod(shape) != len(flat) or not shape:
        raise InvalidRequest(
            f"input {name!r}: shape {shape} needs {prod(shape)} values, got {len(flat)}", (f"shape:{name[:64]}",)
        )
    if not flat:
        raise InvalidRequest(f"input {name!r} is empty; expected at least one row", (f"empty:{name[:64]}",))
    return Tensor(name, tuple(shape), datatype, flat)


def _flat(data: list[Any]) -> list[Any]:
    """Return the values of a tensor that may be given flat or nested."""
    while data and type(data[0]) is list:
        if not all(type(part) is list for part in data):
            break
        data = [value for part in data for value in part]
    return data


def _is_matrix(tensors: Sequence[Tensor], form: Form) -> bool:
    shape = tensors[0].shape
    return len(tensors) == 1 and len(shape) == 2 and (shape[1] != 1 or len(form.names) == 1)


def _matrix(tensor: Tensor, form: Form, strict: bool) -> Rows:
    if not form.schema.numeric_only:
        raise InvalidRequest(
            f"input {tensor.name!r}: one tensor for all fields needs fields that are all numbers; send one tensor for "
            f"each of: {listed(form.names)}",
            ("shape:inputs",),
        )
    n, width = tensor.shape
    if width != len(form.names):
        raise InvalidRequest(
            f"input {tensor.name!r}: got {width} numbers a row, expected {len(form.names)}: {listed(form.names)}",
            (f"shape:{width}",),
        )
    return form.matrix(tensor.data, n, strict=strict)


def _features(tensors: Sequence[Tensor], form: Form, strict: bool) -> Rows:
    """Take one tensor a field, in any order."""
    given: dict[str, Sequence[Any]] = {}
    n = tensors[0].shape[0]
    strings = {f.name for f in form.schema.features if f.dtype is DType.STRING}
    for tensor in tensors:
        if tensor.name in given:
            raise InvalidRequest(f"input {tensor.name!r} is given twice", (f"extra:{tensor.name[:64]}",))
        if tensor.shape not in ((n,), (n, 1)):
            raise InvalidRequest(
                f"input {tensor.name!r}: shape {list(tensor.shape)}; expected [{n}] or [{n}, 1]",
                (f"shape:{tensor.name[:64]}",),
            )
        if tensor.name in form.names and (tensor.datatype == "BYTES") != (tensor.name in strings):
            expected = "BYTES" if tensor.name in strings else "a number type or BOOL"
            raise InvalidRequest(
                f"input {tensor.name!r}: datatype {tensor.datatype}; expected {expected}", (f"type:{tensor.name}",)
            )
        given[tensor.name] = tensor.data
    return form.by_name(given, n, strict=strict)


def request_id(given: Any) -> str | None:
    """Return the caller's id of a request, if it gave one."""
    if given is None:
        return None
    if type(given) is not str or not accepted_id(given):
        raise InvalidRequest(f"'id' is {shown(given)}; expected 1 to 128 printable characters", ("type:id",))
    return given


def requested(given: Any, form: Form) -> tuple[str, ...] | None:
    """Return the names of the outputs asked for."""
    if not given:
        return None
    known = form.schema.outputs
    names = []
    for part in given if type(given) is list else [given]:
        name = part.get("name") if type(part) is dict else part
        if name not in known:
            raise InvalidRequest(f"there is no output {name!r}; known: {', '.join(known)}", ("extra:outputs",))
        names.append(str(name))
    return tuple(dict.fromkeys(names))
