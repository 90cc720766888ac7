"""Bodies of the v2 (Open Inference) protocol, to checked rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from setpoint.errors import InvalidRequest
from setpoint.serve.asked import Asked
from setpoint.serve.binary import SIZE, Frames, binary_outputs, parameters_of, split
from setpoint.serve.decode import lacks, parse
from setpoint.serve.form import Form, Rows
from setpoint.serve.identity import accepted_id
from setpoint.serve.misfit import MAX_INT, listed, shown
from setpoint.serve.whole import unfolded_tensor
from setpoint.serve.wire import DATATYPES, from_raw

MAX_RANK = 8


def decode_v2(body: bytes, form: Form, header_length: bytes | None = None) -> Asked:
    """Return the rows of `{"inputs": [{"name", "shape", "datatype", "data"}, …]}`, and what is asked of the answer.

    Parameters
    ----------
    body : bytes
    form : Form
    header_length : bytes, optional
        What the header `inference-header-content-length` says: where the JSON ends and raw tensors begin.

    Raises
    ------
    Malformed
        If the body is not JSON.
    InvalidRequest
        If it does not fit the schema.
    """
    text, frames = split(body, header_length)
    document, strict = parse(text)
    if type(document) is not dict or "inputs" not in document:
        raise lacks("inputs", document, '{"inputs": [{"name": …, "shape": […], "datatype": …, "data": […]}, …]}')
    inputs = document["inputs"]
    if type(inputs) is not list or not inputs:
        raise InvalidRequest(f"'inputs' is {shown(inputs)}; expected a list of tensors", ("empty:inputs",))
    tensors = [_tensor(i, given, frames) for i, given in enumerate(inputs)]
    frames.finish()
    rows = rows_of(tensors, form, strict=strict)
    outputs = requested(document.get("outputs"), form)
    binary = binary_outputs(document, outputs or form.outputs)
    return Asked(rows, request_id(document.get("id")), outputs, binary)


def rows_of(tensors: "Sequence[Tensor]", form: Form, *, strict: bool) -> Rows:
    """Return the rows of checked tensors: one for all fields, or one a field or an input of the model in any order.

    Raises
    ------
    InvalidRequest
        If they do not fit the schema.
    """
    strict = strict or any(tensor.infinite for tensor in tensors)
    return _matrix(tensors[0], form, strict) if _is_matrix(tensors, form) else _features(tensors, form, strict)


@dataclass(slots=True)
class Tensor:
    """One input: its values flat, in row-major order, as many as the shape says; `infinite` if an infinity is known."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: Sequence[Any]
    infinite: bool = False


def _tensor(i: int, given: Any, frames: Frames) -> Tensor:
    """Return one input tensor whose parts agree with one another."""
    if type(given) is not dict:
        raise InvalidRequest(f"input {i} is a {shown(given)}; expected an object", ("shape:inputs",))
    size = parameters_of(given, f"input {i}").get(SIZE) if "parameters" in given else None
    for key in ("name", "shape", "datatype") if size is not None else ("name", "shape", "datatype", "data"):
        if key not in given:
            raise InvalidRequest(
                f"input {i} has no {key!r}; expected name, shape, datatype and data", (f"missing:{key}",)
            )
    name, shape, datatype = given["name"], given["shape"], given["datatype"]
    if type(name) is not str:
        raise InvalidRequest(f"input {i}: 'name' is a {shown(name)}; expected a string", ("type:name",))
    _check_form(name, shape, datatype)
    count = prod(shape)
    data, infinite = _values(name, given, datatype, count, size, frames)
    if count != len(data) or not shape:
        raise InvalidRequest(
            f"input {name[:64]!r}: shape {shape} needs {count} values, got {len(data)}", (f"shape:{name[:64]}",)
        )
    if not data:
        raise InvalidRequest(f"input {name[:64]!r} is empty; expected at least one row", (f"empty:{name[:64]}",))
    return Tensor(name, tuple(shape), datatype, data, infinite)


def _check_form(name: str, shape: Any, datatype: Any) -> None:
    if type(datatype) is not str or datatype not in DATATYPES:
        raise InvalidRequest(
            f"input {name[:64]!r}: datatype {repr(datatype)[:64]} is unknown; known: {', '.join(sorted(DATATYPES))}",
            (f"type:{name[:64]}",),
        )
    if type(shape) is not list or len(shape) > MAX_RANK or not all(map(_is_size, shape)):
        raise InvalidRequest(
            f"input {name[:64]!r}: shape is {shown(shape)}; expected a list of at most {MAX_RANK} sizes",
            (f"shape:{name[:64]}",),
        )


def _is_size(side: Any) -> bool:
    return type(side) is int and 0 <= side <= MAX_INT


def _values(
    name: str, given: dict[str, Any], datatype: str, count: int, size: Any, frames: Frames
) -> tuple[list[Any], bool]:
    """Return the values of a tensor, from its raw bytes or its JSON."""
    if size is None:
        data = given["data"]
        if type(data) is not list:
            raise InvalidRequest(
                f"input {name[:64]!r}: 'data' is a {shown(data)}; expected a list", (f"type:{name[:64]}",)
            )
        return _flat(data), False
    if "data" in given:
        raise InvalidRequest(
            f"input {name[:64]!r} has both 'data' and {SIZE}; expected one of them", (f"shape:{name[:64]}",)
        )
    return from_raw(name, datatype, frames.take(name, size), count)


def _flat(data: list[Any]) -> list[Any]:
    """Return the values of a tensor that may be given flat or nested."""
    while data and type(data[0]) is list:
        if not all(type(part) is list for part in data):
            break
        data = [value for part in data for value in part]
    return data


def _is_matrix(tensors: Sequence[Tensor], form: Form) -> bool:
    shape = tensors[0].shape
    if form.tensors:
        return len(tensors) == 1 and form.numeric_only and shape[1:] in form.row_shapes
    return len(tensors) == 1 and len(shape) == 2 and (shape[1] != 1 or len(form.names) == 1)


def _matrix(tensor: Tensor, form: Form, strict: bool) -> Rows:
    if not form.numeric_only:
        raise InvalidRequest(
            f"input {tensor.name!r}: one tensor for all fields needs fields that are all numbers; send one tensor for "
            f"each of: {listed(form.names)}",
            ("shape:inputs",),
        )
    n = tensor.shape[0]
    width = len(tensor.data) // n
    if width != len(form.names):
        raise InvalidRequest(
            f"input {tensor.name!r}: got {width} numbers a row, expected {len(form.names)}: {listed(form.names)}",
            (f"shape:{width}",),
        )
    return form.matrix(tensor.data, n, strict=strict)


def _features(tensors: Sequence[Tensor], form: Form, strict: bool) -> Rows:
    """Take one tensor a field or an input of the model, in any order."""
    given: dict[str, Sequence[Any]] = {}
    n = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.name in given:
            raise InvalidRequest(
                f"input {tensor.name!r} is given twice; expected one tensor a field", (f"extra:{tensor.name[:64]}",)
            )
        whole = form.tensors.get(tensor.name) if form.tensors else None
        if whole and tensor.shape[0] == n and (tensor.name not in form.names or tensor.shape not in ((n,), (n, 1))):
            given |= unfolded_tensor(whole, tensor.shape, tensor.data)
            continue
        if tensor.shape not in ((n,), (n, 1)):
            raise InvalidRequest(
                f"input {tensor.name!r}: shape {list(tensor.shape)}; expected [{n}] or [{n}, 1]",
                (f"shape:{tensor.name[:64]}",),
            )
        if tensor.name in form.names and (tensor.datatype == "BYTES") != (tensor.name in form.strings):
            expected = "BYTES" if tensor.name in form.strings else "a number type or BOOL"
            raise InvalidRequest(
                f"input {tensor.name!r}: datatype {tensor.datatype}; expected {expected}", (f"type:{tensor.name}",)
            )
        given[tensor.name] = tensor.data
    return form.by_name(given, n, strict=strict)


def request_id(given: Any) -> str | None:
    """Return the caller's id of a request, if it gave one."""
    if given is None or given == "":
        return None
    if type(given) is not str or not accepted_id(given):
        raise InvalidRequest(f"'id' is {shown(given)}; expected 1 to 128 printable characters", ("type:id",))
    return given


def requested(given: Any, form: Form) -> tuple[str, ...] | None:
    """Return the names of the outputs asked for."""
    if not given:
        return None
    known = form.outputs
    names = []
    for part in given if type(given) is list else [given]:
        name = part.get("name") if type(part) is dict else part
        if name not in known:
            raise InvalidRequest(f"there is no output {repr(name)[:80]}; known: {', '.join(known)}", ("extra:outputs",))
        names.append(str(name))
    return tuple(dict.fromkeys(names))
