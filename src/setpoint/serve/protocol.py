"""HTTP/1.1 on a connection, for uvicorn: one ASGI call a request, made once the request is whole.

Takes the place of uvicorn's own protocol class, which costs about as much as everything else a request needs, and has
no bound on headers or on slow clients. Parsing is httptools (llhttp).
"""

import asyncio
import time
from collections import deque
from functools import lru_cache
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from setpoint.serve.encode import error_body
from setpoint.serve.http import Message, Scope

MAX_HEADERS = 128
MAX_HEAD_BYTES = 64 * 2**10  # of the request line and the headers
PIPELINED = 16  # requests that wait behind the one being answered; beyond, nothing is read
READ_S = 30.0  # a request must be whole this long after its first byte, and an answer be taken
IDLE_S = 75.0
LINGER_S = 2.0  # how long a refused request is read away, so that its client sees why

STATUS_LINE = {status: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_LARGE_HEAD = f"the head of a request may have {MAX_HEADERS} headers and {MAX_HEAD_BYTES:,} bytes; this one has more"


class HttpProtocol(asyncio.Protocol):
    """One connection. Requests are answered in the order they came, one after the other.

    A body beyond `max_body_bytes` is handed over as soon as it is known to be too large, for the application to refuse.

    Parameters
    ----------
    config : Config
        Gives the application, and the bound on connections.
    server_state : ServerState
        Where uvicorn sees the connections and what is being answered.
    max_body_bytes : int
    """

    _transport: asyncio.Transport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        *,
        max_body_bytes: int,
    ) -> None:
        self._app = config.loaded_app
        self._bound = max_body_bytes
        self._limit = config.limit_concurrency
        self._state = server_state
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._client: tuple[str, int] | None = None
        self._waiting: deque[tuple[Scope, bytes, bool]] = deque()  # whole requests; whether others may follow
        self._task: asyncio.Task[None] | None = None
        self._head: Message = {}
        self._bodiless = False  # what is being answered is a HEAD
        self._keep = True  # another request may follow the one being answered
        self._ending = False  # no request is begun any more
        self._deaf = False  # what still comes is read away
        self._partial = False  # a request has begun and is not whole
        self._since = time.monotonic()  # the request began, or the connection is idle
        self._blocked: float | None = None  # since when the client does not take its answers
        self.on_message_begin()
        self._partial = self._in_head = False

    # what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None
        self._state.connections.add(self)  # type: ignore[arg-type]  # uvicorn calls only `shutdown` of it
        if self._limit and len(self._state.connections) > self._limit:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"more than {self._limit:,} connections; try again later")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it; what is being answered is answered into the void, for it may be recorded already."""
        self._state.connections.discard(self)
        self._waiting.clear()
        self._deaf = True

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._deaf:
            return
        in_head = self._in_head
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # no other protocol is spoken here: the request is answered as it is
            self.shutdown()
        except httptools.HttpParserError as e:
            if not self._deaf:
                self._refuse(HTTPStatus.BAD_REQUEST, f"this is not HTTP/1.1: {e}")
        else:
            if in_head and self._in_head:  # a head that does not end
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD_BYTES:
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE_HEAD)

    def eof_received(self) -> bool:
        """Answer what came whole; the way out stays open for that."""
        self._partial = False
        self.shutdown()
        return self._busy

    def pause_writing(self) -> None:
        """Note since when the client does not take its answers."""
        self._blocked = time.monotonic()

    def resume_writing(self) -> None:
        """Go on with the requests that wait."""
        self._blocked = None
        self._next()

    # what the parser says

    def on_message_begin(self) -> None:
        """Start anew."""
        self._url, self._size, self._head_bytes = b"", 0, 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._partial, self._in_head, self._since = True, True, time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request line."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; a trailer of a chunked body says nothing here."""
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """See whether a body will come, and whether it is welcome."""
        self._in_head = False
        if len(self._headers) > MAX_HEADERS or len(self._url) > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE_HEAD)
            return
        for name, value in self._headers:
            if name == b"content-length" and int(value) > self._bound:
                self._too_large()
                return
        if not self._busy and (b"expect", b"100-continue") in self._headers:
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
        self._partial = False
        if not self._deaf:
            self._dispatch(keep=self._parser.should_keep_alive())

    # what uvicorn and the server's sweeper ask

    def shutdown(self) -> None:
        """End the connection once what was begun is answered."""
        self._ending = True
        if not self._busy and not self._partial:
            self._transport.close()

    def overdue(self, now: float) -> None:
        """Cut off a client that is slow to send, slow to take its answers, or idle for too long."""
        if self._blocked is not None:
            if now - self._blocked > READ_S:
                self._transport.abort()
        elif self._task is not None:
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

    def _too_large(self) -> None:
        self._deaf = True
        self._dispatch(keep=False)

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
        if len(self._waiting) == PIPELINED:
            self._transport.pause_reading()

    def _next(self) -> None:
        """Answer the next request, if there is one and its client takes answers."""
        if not self._waiting or self._task is not None or self._blocked is not None:
            return
        if len(self._waiting) == PIPELINED:
            self._transport.resume_reading()
        scope, body, self._keep = self._waiting.popleft()
        self._bodiless = scope["method"] == "HEAD"
        given: Message | None = {"type": "http.request", "body": body}

        async def receive() -> Message:
            nonlocal given
            message, given = given, None
            return message or {"type": "http.disconnect"}

        self._state.total_requests += 1
        self._task = self._loop.create_task(self._app(scope, receive, self._send))
        self._state.tasks.add(self._task)
        self._task.add_done_callback(self._done)

    async def _send(self, message: Message) -> None:
        """Take the head of an answer, then its body, and write both at once."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        if self._ending and not self._waiting and not self._partial:
            self._keep = False
        self._write(self._head["status"], self._head["headers"], message["body"], keep=self._keep)

    def _write(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, keep: bool) -> None:
        parts = [STATUS_LINE[status], *[b"%b: %b\r\n" % header for header in headers]]  # type: ignore[index]
        parts.append(b"\r\n" if keep else b"connection: close\r\n\r\n")
        if not self._bodiless:
            parts.append(body)
        self._transport.write(b"".join(parts))

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._state.tasks.discard(task)
        self._task, self._since = None, time.monotonic()
        if task.cancelled() or task.exception():
            self._transport.abort()
        elif not self._keep:
            self._part()
        elif self._waiting:
            self._next()
        elif self._ending and not self._partial:
            self._transport.close()

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer what never became a request, and end; behind an answer under way, only end."""
        self._deaf, self._ending, self._partial = True, True, False
        self._waiting.clear()
        if self._task is None:
            body = error_body(text)
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            self._write(status, headers, body, keep=False)
            self._part()

    def _part(self) -> None:
        """Take nothing more; what a refused client still sends is read away for a while, else it would see a reset."""
        self._ending, self._since = True, time.monotonic()
        if self._deaf and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()


@lru_cache(maxsize=1_024)
def _path(raw: bytes) -> str:
    """Return the decoded path of a request target, which a proxy's client sends as a whole URL."""
    if not raw.startswith(b"/"):
        try:
            raw = httptools.parse_url(raw).path or b"/"
        except httptools.HttpParserInvalidURLError:
            return raw.decode("latin-1")
    return unquote(raw.decode("ascii", "replace"))
