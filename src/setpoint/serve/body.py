"""Bodies of requests: of a type that can be read, and unpacked within the bound."""

import zlib
from collections.abc import Collection

from setpoint.errors import InvalidInput, TooLarge
from setpoint.serve.decode import Malformed
from setpoint.serve.http import JSON
from setpoint.serve.routes import Call

JSON_TYPE, CSV_TYPE, BYTES_TYPE = "application/json", "text/csv", "application/octet-stream"
# curl says the first of these for whatever -d is given, other clients say the second or nothing
UNSAID = frozenset({"application/x-www-form-urlencoded", "text/plain", ""})
PLAIN = frozenset({None, JSON})  # what most send, which need not be looked at closely
GZIP, ZLIB, BARE = 31, 15, -15  # window bits, as zlib tells the containers apart


class Unsupported(InvalidInput):
    """A body of a type or an encoding that is not read; `violations` is what is recorded."""

    violations = ("media:body",)


class BodyTooLarge(TooLarge):
    """A body beyond its bound; `violations` is what is recorded."""

    violations = ("large:body",)


def body_of(call: Call, bound: int, known: Collection[str] = (JSON_TYPE, BYTES_TYPE)) -> bytes:
    """Return the body of a request, unpacked.

    Raises
    ------
    Unsupported
        If its type is neither `known` nor left open, or its encoding is none of gzip and deflate.
    BodyTooLarge
        If it has more than `bound` bytes, as sent or unpacked.
    Malformed
        If it is not what its encoding says.
    """
    headers = call.headers
    if headers.get(b"content-type") not in PLAIN:
        kind = media_type(headers[b"content-type"])
        if kind not in known and kind not in UNSAID and not kind.endswith("+json"):
            raise Unsupported(f"content-type {kind[:100]!r} is not read here; expected {' or '.join(known)}")
    body, announced = call.body, headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > bound:  # then only a part of it was read
        raise BodyTooLarge(
            f"the body has {int(announced):,} bytes; at most {bound:,} are taken (SETPOINT_MAX_BODY_BYTES)"
        )
    if len(body) > bound:
        raise BodyTooLarge(
            f"the body has more than {bound:,} bytes, which is all that is taken (SETPOINT_MAX_BODY_BYTES)"
        )
    encoding = headers.get(b"content-encoding")
    return unpacked(body, encoding.decode("latin-1").strip().lower(), bound) if encoding else body


def media_type(header: bytes) -> str:
    """Return the type that a content-type header names, without its parameters."""
    return header.partition(b";")[0].strip().lower().decode("latin-1")


def unpacked(body: bytes, encoding: str, bound: int) -> bytes:
    """Return a body without its content-encoding."""
    match encoding:
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _inflated(body, GZIP, encoding, bound)
        case "deflate":  # of zlib, says the standard; some send it bare
            return _inflated(body, ZLIB if _has_zlib_header(body) else BARE, encoding, bound)
    raise Unsupported(f"content-encoding {encoding[:100]!r} is not read; expected gzip, deflate or none")


def _has_zlib_header(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _inflated(body: bytes, bits: int, encoding: str, bound: int) -> bytes:
    """Unpack no further than the bound."""
    unpacker = zlib.decompressobj(bits)
    try:
        found = unpacker.decompress(body, bound + 1)
    except zlib.error as e:
        raise Malformed(
            f"expected {encoding} data, as content-encoding says; the {len(body):,} bytes of the body are none: {e}"
        ) from e
    if len(found) > bound:
        raise BodyTooLarge(
            f"the body has more than {bound:,} bytes when unpacked; that is all that is taken (SETPOINT_MAX_BODY_BYTES)"
        )
    if not unpacker.eof:
        raise Malformed(
            f"the body is cut short: expected the end of its {encoding} data, got {len(body):,} bytes without it"
        )
    if unpacker.unused_data:
        raise Malformed(
            f"expected nothing after the {encoding} data of the body, got {len(unpacker.unused_data):,} bytes"
        )
    return found
