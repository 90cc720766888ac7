"""HTTP/1.1 on a connection, for uvicorn: one ASGI call a request, given once the request is whole.

Takes the place of uvicorn's own protocol class, which costs about as much as everything else a request needs, and has
no bound on headers or on slow clients. Parsing is httptools (llhttp).
"""

import asyncio
import time
from collections import deque
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from setpoint.serve.encode import error_body
from setpoint.serve.http import Message, Scope

MAX_HEADERS = 128
MAX_HEAD_BYTES = 64 * 2**10  # of the request line and the headers
PIPELINED = 16  # requests that wait behind the one being answered; beyond, nothing is read
READ_S = 30.0  # a request must be whole this long after its first byte, and an answer taken
IDLE_S = 75.0
LINGER_S = 2.0  # how long a refused body is read away, so that the client sees why

STATUS_LINE = {status: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpProtocol(asyncio.Protocol):
    """One connection. Requests are answered in the order they came, one after the other.

    A body beyond `max_body_bytes` is handed over as soon as it is known to be too large, for the application to refuse.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        max_body_bytes: int,
    ) -> None:
        self._app = config.loaded_app
        self._bound = max_body_bytes
        self._limit = config.limit_concurrency
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = None  # type: ignore[assignment]  # set before anything is called
        self._client: tuple[str, int] | None = None
        self._waiting: deque[tuple[Scope, bytes, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._head: Message = {}
        self._bodiless = False
        self._keep = True  # take another request after this one
        self._paused = self._writable_since = 0.0
        self._deaf = False  # what still comes is read away
        self._since = time.monotonic()  # of what `overdue` watches
        self._partial = False  # a request has begun and is not whole
        self._start_message()

    # what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None
        self._state.connections.add(self)  # type: ignore[arg-type]  # uvicorn needs `shutdown` of it, nothing else

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it; what is being answered is answered into the void, for it may be recorded already."""
        self._state.connections.discard(self)  # type: ignore[arg-type]
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._deaf:
            return
        if not self._partial:
            self._partial, self._since = True, time.monotonic()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # no other protocol is spoken here: the request is answered as it is
            self._last()
        except httptools.HttpParserError as e:
            self._refuse(HTTPStatus.BAD_REQUEST, f"this is not HTTP/1.1: {e}")

    def eof_received(self) -> bool:
        """Keep the way out open while something is to be answered."""
        self._last()
        return self._busy

    def pause_writing(self) -> None:
        """Note since when the client does not take its answers."""
        self._paused = time.monotonic()

    def resume_writing(self) -> None:
        """Go on with the requests that wait."""
        self._paused = 0.0
        self._next()

    # what the parser says

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request line."""
        self._url += url
        self._grown(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._headers.append((name.lower(), value))
        self._grown(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """See whether a body will come, and whether it is welcome."""
        announced = 0
        for name, value in self._headers:
            if name == b"content-length":
                announced = int(value)
            elif name == b"expect" and value.lower() == b"100-continue":
                self._expects = True
        if announced > self._bound:
            self._too_large()
        elif self._expects and not self._busy:
            self._transport.write(CONTINUE)

    def on_body(self, part: bytes) -> None:
        """Take a piece of the body."""
        if self._deaf:
            return
        self._size += len(part)
        self._parts.append(part)
        if self._size > self._bound:
            self._too_large()

    def on_message_complete(self) -> None:
        """Hand over a whole request."""
        if not self._deaf:
            self._dispatch(keep=self._parser.should_keep_alive())
            self._start_message()

    # what uvicorn and the sweeper ask

    def shutdown(self) -> None:
        """End the connection once what came in is answered."""
        self._last()

    def overdue(self, now: float) -> None:
        """Cut off a client that is slow to send, slow to read, or idle for too long."""
        if self._paused and now - self._paused > READ_S:
            self._transport.abort()
        elif self._busy:
            return
        elif self._deaf:
            if now - self._since > LINGER_S:
                self._transport.close()
        elif self._partial:
            if now - self._since > READ_S:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"the request was not whole after {READ_S:g} s")
        elif now - self._since > IDLE_S:
            self._transport.close()

    # steps

    @property
    def _busy(self) -> bool:
        return self._task is not None or bool(self._waiting)

    def _start_message(self) -> None:
        self._url, self._headers, self._parts = b"", [], []
        self._size = self._head_bytes = 0
        self._expects = self._partial = False

    def _grown(self, size: int) -> None:
        self._head_bytes += size
        if self._deaf or (self._head_bytes <= MAX_HEAD_BYTES and len(self._headers) <= MAX_HEADERS):
            return
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"the head of the request is too large; at most {MAX_HEADERS} headers and {MAX_HEAD_BYTES:,} bytes are taken",
        )

    def _too_large(self) -> None:
        self._dispatch(keep=False)
        self._deaf = True

    def _dispatch(self, *, keep: bool) -> None:
        path, _, query = self._url.partition(b"?")
        scope: Scope = {
            "type": "http",
            "method": self._parser.get_method().decode("ascii"),
            "path": _path(path),
            "query_string": query,
            "headers": self._headers,
            "client": self._client,
        }
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._waiting.append((scope, body, keep))
        if self._task is None:
            self._next()
        elif len(self._waiting) >= PIPELINED:
            self._transport.pause_reading()

    def _next(self) -> None:
        """Answer the next request, if there is one and its client takes answers."""
        if not self._waiting or self._task is not None or self._paused:
            return
        if len(self._waiting) == PIPELINED:
            self._transport.resume_reading()
        scope, body, keep = self._waiting.popleft()
        self._keep = self._keep and keep
        self._bodiless = scope["method"] == "HEAD"
        if self._limit and len(self._state.connections) > self._limit:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"more than {self._limit:,} connections; try again later")
            return
        given: Message | None = {"type": "http.request", "body": body}

        async def receive() -> Message:
            nonlocal given
            message, given = given, None
            return message or {"type": "http.disconnect"}

        self._state.total_requests += 1
        self._task = self._loop.create_task(self._app(scope, receive, self._send))  # type: ignore[arg-type]
        self._task.add_done_callback(self._done)
        self._state.tasks.add(self._task)

    async def _send(self, message: Message) -> None:
        """Take the head of an answer, then its body, and write both at once."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        status, headers = self._head["status"], self._head["headers"]
        parts = [STATUS_LINE[status], *[b"%b: %b\r\n" % header for header in headers]]
        if not self._keep:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        if not self._bodiless:
            parts.append(message["body"])
        self._transport.write(b"".join(parts))

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._state.tasks.discard(task)
        self._task = None
        self._since = time.monotonic()
        if task.cancelled() or task.exception():
            self._transport.abort()
        elif self._keep:
            self._next()
        else:
            self._part()

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer what never became a request, after those before it, and end."""
        self._waiting.clear()
        if self._task is None:
            body = error_body(text)
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self._transport.write(STATUS_LINE[status] + head + (b"" if self._bodiless else body))
            self._part()
        self._deaf, self._keep = True, False

    def _last(self) -> None:
        """Take no more; end when nothing is left to answer."""
        if not self._busy:
            self._transport.close()
        elif self._waiting:
            scope, body, _ = self._waiting.pop()
            self._waiting.append((scope, body, False))
        else:
            self._keep = False

    def _part(self) -> None:
        """Say that no more comes, and read away what the client still sends."""
        if self._transport.is_closing():
            return
        if self._deaf and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()


@lru_cache(maxsize=1_024)
def _path(raw: bytes) -> str:
    """Return the decoded path of a request target, which proxies send as a whole URL."""
    if not raw.startswith(b"/"):
        try:
            raw = httptools.parse_url(raw).path or b"/"
        except httptools.HttpParserInvalidURLError:
            raw = b"/" + raw
    return unquote(raw.decode("ascii", "replace"))
