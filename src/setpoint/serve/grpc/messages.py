"""Messages of the Open Inference Protocol over gRPC: requests to checked rows, answers to responses."""

from collections.abc import Sequence
from math import isfinite, isinf, isnan, prod
from typing import Any, TypeVar

from google.protobuf.message import DecodeError

from setpoint.errors import InvalidInput, InvalidRequest
from setpoint.serve.asked import Asked
from setpoint.serve.encode import output_datatype
from setpoint.serve.form import Form
from setpoint.serve.grpc.open_inference_pb2 import ModelInferRequest, ModelInferResponse
from setpoint.serve.table import Target
from setpoint.serve.tensors import MAX_RANK, Tensor, request_id, requested, rows_of
from setpoint.serve.wire import DATATYPES, from_raw, to_raw
from setpoint.serve.work import Answer

FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
InputTensor = ModelInferRequest.InferInputTensor
Message = TypeVar("Message", bound=Any)


class NotAMessage(InvalidInput):
    """Bytes that are no message of the expected type."""


def parsed(kind: type[Message], body: bytes) -> Message:
    """Return the message of a kind that the bytes hold.

    Raises
    ------
    NotAMessage
        If they hold none.
    """
    try:
        message: Message = kind.FromString(body)
    except DecodeError as e:
        raise NotAMessage(f"the {len(body):,} bytes sent are no {kind.DESCRIPTOR.full_name}: {e}") from e
    return message


def asked_of(request: ModelInferRequest, form: Form) -> Asked:
    """Return the rows of a request, and what is asked of the answer.

    Raises
    ------
    InvalidRequest
        If it does not fit the schema.
    """
    if not request.inputs:
        raise InvalidRequest("'inputs' is empty; expected a list of tensors", ("empty:inputs",))
    raws: Sequence[bytes | None] = request.raw_input_contents
    if not raws:
        raws = [None] * len(request.inputs)
    elif len(raws) != len(request.inputs):
        raise InvalidRequest(
            f"'raw_input_contents' has {len(raws)} entries for {len(request.inputs)} inputs; expected one for each, or "
            "none at all",
            ("shape:raw_input_contents",),
        )
    tensors = [_tensor(given, raw) for given, raw in zip(request.inputs, raws, strict=True)]
    rows = rows_of(tensors, form, strict=any(tensor.infinite for tensor in tensors))
    return Asked(rows, request_id(request.id), requested([o.name for o in request.outputs], form))


def response_of(answer: Answer, target: Target, id_: str, asked: Asked, *, raw: bool) -> bytes:
    """Return the response with the outputs asked for, as raw bytes or in the fields of their datatypes."""
    schema = target.form.schema
    response = ModelInferResponse(model_name=target.model, model_version=target.version, id=id_)
    for name in asked.outputs or schema.outputs:
        datatype, values = output_datatype(name, schema), answer[name]
        output = response.outputs.add(name=name, datatype=datatype, shape=[len(values)])
        if raw:
            response.raw_output_contents.append(to_raw(datatype, values))
        else:
            getattr(output.contents, FIELDS[datatype]).extend(
                [value.encode() for value in values] if datatype == "BYTES" else values
            )
    body: bytes = response.SerializeToString()
    return body


def _tensor(given: InputTensor, raw: bytes | None) -> Tensor:
    """Return one input tensor whose parts agree with one another."""
    name, datatype = given.name, given.datatype
    where, field = f"input {name[:64]!r}", name[:64]
    if datatype not in DATATYPES:
        known = ", ".join(sorted(DATATYPES))
        raise InvalidRequest(f"{where}: datatype {datatype[:64]!r} is unknown; known: {known}", (f"type:{field}",))
    shape = tuple(given.shape[: MAX_RANK + 1])
    if not 0 < len(shape) <= MAX_RANK or min(shape) < 0:
        raise InvalidRequest(
            f"{where}: shape {list(shape)}; expected 1 to {MAX_RANK} sizes of 0 or more", (f"shape:{field}",)
        )
    count = prod(shape)
    values, infinite = _typed(given) if raw is None else _from_raw(given, raw, count)
    if len(values) != count:
        raise InvalidRequest(
            f"{where}: shape {list(shape)} needs {count} values, got {len(values)}", (f"shape:{field}",)
        )
    if not values:
        raise InvalidRequest(f"{where} is empty; expected at least one row", (f"empty:{field}",))
    return Tensor(name, shape, datatype, values, infinite)


def _from_raw(given: InputTensor, raw: bytes, count: int) -> tuple[list[Any], bool]:
    if given.HasField("contents") and given.contents.ByteSize():
        raise InvalidRequest(
            f"input {given.name[:64]!r} has 'contents' beside 'raw_input_contents'; expected one of them",
            (f"shape:{given.name[:64]}",),
        )
    return from_raw(given.name[:64], given.datatype, raw, count)


def _typed(given: InputTensor) -> tuple[list[Any], bool]:
    """Return the values in the field of the datatype (NaN, a missing number, as None), and whether one is infinite."""
    name, datatype = given.name[:64], given.datatype
    if datatype not in FIELDS:
        raise InvalidRequest(
            f"input {name!r}: {datatype} has no field in 'contents'; send it in 'raw_input_contents'", (f"type:{name}",)
        )
    field = FIELDS[datatype]
    for other, _ in given.contents.ListFields():
        if other.name != field:
            raise InvalidRequest(
                f"input {name!r}: contents are in {other.name!r}; expected {field!r} for {datatype}", (f"type:{name}",)
            )
    values = list(getattr(given.contents, field))
    if datatype == "BYTES":
        return _texts(name, values), False
    if datatype not in ("FP32", "FP64") or isfinite(sum(values)):
        return values, False
    return [None if isnan(value) else value for value in values], any(map(isinf, values))


def _texts(name: str, values: list[bytes]) -> list[str]:
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError as e:
        raise InvalidRequest(f"input {name!r}: an element is not UTF-8: {e}", (f"type:{name}",)) from e
