"""Bodies of the v1 protocol, to checked rows; and JSON of any kind, with errors that say where it breaks."""

import json
import re
from typing import Any

import msgspec

from setpoint.errors import InvalidInput, InvalidRequest
from setpoint.serve.asked import Asked
from setpoint.serve.form import Form
from setpoint.serve.layouts import from_columns, from_rows
from setpoint.serve.misfit import NEAR, listed, nearest, shown

EXAMPLE = '{"instances": [[…], …]}, {"instances": [{"field": …}, …]} or {"inputs": {"field": […], …}}'
_decoder = msgspec.json.Decoder()


class Malformed(InvalidInput):
    """A body that is not the JSON it should be; `violations` is what is recorded."""

    violations = ("json:body",)


def decode_v1(body: bytes, form: Form) -> Asked:
    """Return the rows of `{"instances": […]}`, or of `{"inputs": …}`: TensorFlow Serving's column format.

    Raises
    ------
    Malformed
        If the body is not JSON.
    InvalidRequest
        If it does not fit the schema.
    """
    document, strict = parse(body)
    if type(document) is not dict or not ("instances" in document or "inputs" in document):
        raise lacks("instances", document, EXAMPLE)
    if "inputs" not in document:
        return Asked(from_rows("instances", document["instances"], form, strict=strict))
    if "instances" in document:
        raise InvalidRequest("the body has both 'instances' and 'inputs'; expected one of them", ("extra:inputs",))
    inputs = document["inputs"]
    layout = from_columns if type(inputs) is dict else from_rows
    return Asked(layout("inputs", inputs, form, strict=strict), columns=True)


def parse(body: bytes) -> tuple[Any, bool]:
    """Return the document, and whether it held NaN or Infinity, which are no JSON but common in practice.

    Raises
    ------
    Malformed
        If it is not JSON; the text says where.
    """
    try:
        return _decoder.decode(body), False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        try:
            document = json.loads(body)
            json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate could not be recorded
            return document, True
        except (ValueError, RecursionError):
            raise Malformed(_where(body, e)) from e


def _where(body: bytes, error: Exception) -> str:
    if not body:
        return "the body is empty; expected JSON"
    if isinstance(error, RecursionError):
        return "the body is nested too deeply"
    text = str(error).removeprefix("JSON is malformed: ")
    place = re.search(r"\(byte (\d+)\)|position (\d+)", text)
    if not place:
        return f"the body is not JSON: {text} after {len(body)} bytes"
    at = int(place[1] or place[2])
    near = body[max(0, at - 16) : at + 16].decode("utf-8", "replace")
    return f"the body is not JSON: {text}, near {near!r}"


def lacks(key: str, document: Any, example: str) -> InvalidRequest:
    """Return the error for a body without its main key."""
    if type(document) is not dict:
        return InvalidRequest(f"the body is a {shown(document)}; expected {example}", (f"missing:{key}",))
    names = [str(name)[:64] for name in document]
    other = next(filter(None, (nearest(name, [key]) for name in names[:NEAR])), "")
    keys = listed(names) or "nothing"
    return InvalidRequest(f"the body has no {key!r}, it has {keys}{other}; expected {example}", (f"missing:{key}",))
