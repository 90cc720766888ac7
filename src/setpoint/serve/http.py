"""The little of HTTP that the data plane needs, on raw ASGI."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from setpoint.errors import TooLarge
from setpoint.serve.identity import accepted_id, new_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = (b"content-type", b"application/json")


class ClientGone(Exception):
    """The client left before its request was whole: nobody is there to be answered, and nothing was asked."""


class BodyTooLarge(TooLarge):
    """A body beyond its bound; `violations` is what is recorded."""

    violations = ("large:body",)


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    body: bytes
    status: int = 200
    version: str = ""
    content_type: tuple[bytes, bytes] = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def read_headers(headers: Mapping[bytes, bytes]) -> tuple[str, int]:
    """Return the request's id (the caller's if it is usable, else a new one) and the announced length, 0 if none is."""
    given, length = headers.get(b"x-request-id", b"").decode("latin-1"), headers.get(b"content-length", b"")
    return given if accepted_id(given) else new_id(), int(length) if length.isdigit() else 0


async def read_body(receive: Receive, announced: int, bound: int) -> bytes:
    """Return the whole body.

    Raises
    ------
    TooLarge
        As soon as it is known to be larger than `bound` bytes.
    ClientGone
        If the rest will never come.
    """
    if announced > bound:
        raise BodyTooLarge(f"the body has {announced:,} bytes; at most {bound:,} are taken (SETPOINT_MAX_BODY_BYTES)")
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message["body"]
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body") and size <= bound:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            parts.append(message["body"])
            size += len(parts[-1])
        body = b"".join(parts)
    if len(body) > bound:
        raise BodyTooLarge(
            f"the body has more than {bound:,} bytes, which is all that is taken (SETPOINT_MAX_BODY_BYTES)"
        )
    return body


async def send_reply(send: Send, reply: Reply, request_id: str) -> None:
    """Send an answer with its request id and model version."""
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                reply.content_type,
                (b"content-length", b"%d" % len(reply.body)),
                (b"x-request-id", request_id.encode("ascii")),
                (b"x-model-version", reply.version.encode("latin-1", "replace")),
                *reply.headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": reply.body})
