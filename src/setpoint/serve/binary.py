"""The binary tensor extension: a JSON header, and behind it the raw bytes of some tensors, in their order."""

from collections.abc import Sequence
from typing import Any

import msgspec

from setpoint.errors import InvalidRequest
from setpoint.serve.decode import Malformed
from setpoint.serve.misfit import shown
from setpoint.serve.wire import to_raw

HEADER_LENGTH = b"inference-header-content-length"
SIZE = "binary_data_size"
NONE: frozenset[str] = frozenset()


class Frames:
    """The bytes behind the JSON header, taken tensor by tensor; none where the whole body is JSON.

    Parameters
    ----------
    raw : memoryview or None
        None when the request did not say that there are any.
    """

    def __init__(self, raw: memoryview | None) -> None:
        self._raw, self._at = raw, 0

    def take(self, name: str, size: Any) -> memoryview:
        """Return the next tensor's bytes.

        Raises
        ------
        InvalidRequest
            If there are not as many.
        """
        code = (f"shape:{name[:64]}",)
        if type(size) is not int or size < 0:
            raise InvalidRequest(f"input {name[:64]!r}: {SIZE} is {shown(size)}; expected a number of bytes", code)
        if self._raw is None:
            raise InvalidRequest(
                f"input {name[:64]!r} has {SIZE}, but the request has no header {HEADER_LENGTH.decode()} that says "
                "where its JSON ends",
                code,
            )
        left = len(self._raw) - self._at
        if size > left:
            raise InvalidRequest(
                f"input {name[:64]!r}: expected {size} bytes, as its {SIZE} says, got the last {left} of the body", code
            )
        self._at += size
        return self._raw[self._at - size : self._at]

    def finish(self) -> None:
        """Raise InvalidRequest for bytes that belong to no tensor."""
        left = len(self._raw) - self._at if self._raw else 0
        if left:
            raise InvalidRequest(
                f"{left} bytes of the body belong to no tensor; expected the {SIZE} of all inputs to make "
                f"{self._at + left}, they make {self._at}",
                ("shape:inputs",),
            )


NO_FRAMES = Frames(None)


def split(body: bytes, header_length: bytes | None) -> tuple[bytes, Frames]:
    """Return the JSON of a body, and what is behind it.

    Raises
    ------
    Malformed
        If the header does not say where within the body the JSON ends.
    """
    if header_length is None:
        return body, NO_FRAMES
    given = header_length.strip()
    if not given.isdigit() or len(given) > 18 or int(given) > len(body):
        raise Malformed(
            f"{HEADER_LENGTH.decode()} is {shown(given[:40].decode('latin-1'))}; expected the length of the JSON "
            f"header, at most the {len(body):,} bytes of the body"
        )
    end = int(given)
    return body[:end], Frames(memoryview(body)[end:])


def join(document: dict[str, Any], names: frozenset[str]) -> tuple[bytes, int | None]:
    """Return a v2 response with the outputs named as raw bytes, and the length of its JSON if there are any."""
    if not names:
        return msgspec.json.encode(document), None
    raws = []
    for output in document["outputs"]:
        if output["name"] in names:
            raws.append(to_raw(output["datatype"], output.pop("data")))
            output["parameters"] = {SIZE: len(raws[-1])}
    head = msgspec.json.encode(document)
    return b"".join([head, *raws]), len(head)


def binary_outputs(document: dict[str, Any], names: Sequence[str]) -> frozenset[str]:
    """Return which of the outputs that will be answered are to be raw bytes: as each says, else as the request says."""
    if "parameters" not in document and not document.get("outputs"):
        return NONE
    default = _flag(document, "the request", "binary_data_output")
    said: dict[str, bool | None] = {}
    outputs = document.get("outputs") or []
    for part in outputs if type(outputs) is list else [outputs]:
        if type(part) is dict:
            said[part["name"]] = _flag(part, f"output {part['name']!r}", "binary_data")
    return frozenset(name for name in names if (default if said.get(name) is None else said[name]))


def parameters_of(given: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the parameters of a request or a tensor; those that mean nothing here are the sender's business.

    Raises
    ------
    InvalidRequest
        If they are no object.
    """
    parameters = given.get("parameters")
    if parameters is None:
        return {}
    if type(parameters) is not dict:
        raise InvalidRequest(
            f"'parameters' of {where} is a {shown(parameters)}; expected an object", ("type:parameters",)
        )
    return parameters


def _flag(given: dict[str, Any], where: str, key: str) -> bool | None:
    value = parameters_of(given, where).get(key)
    if value is not None and type(value) is not bool:
        raise InvalidRequest(f"{where}: {key} is {shown(value)}; expected true or false", (f"type:{key}",))
    return value
