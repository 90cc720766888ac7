"""HTTP/1.1 on a connection: one call of the application a request, made once the request is whole.

A general server costs about as much as everything else that a request needs (a task, coroutines, messages), and has
no bound on headers or on slow clients. Parsing is httptools (llhttp).
"""

import asyncio
import logging
import time
from collections import deque
from functools import lru_cache
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import httptools

from setpoint.serve.encode import error_body
from setpoint.serve.http import Application, Reply, Request

log = logging.getLogger("setpoint.serve")
CONNECTIONS = 10_000  # of one worker
MAX_HEADERS = 128
MAX_HEAD_BYTES = 64 * 2**10  # of the request line and the headers
CACHED = 256  # bytes of a path that is worth remembering
PIPELINED = 16  # requests that wait behind the one being answered; beyond, nothing is read
READ_S = 30.0  # a request must be whole this long after its first byte, and an answer be taken
IDLE_S = 75.0
LINGER_S = 2.0  # how long a refused request is read away, so that its client sees why

STATUS_LINE: dict[int, bytes] = {s: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_LARGE_HEAD = f"the head of a request may have {MAX_HEADERS} headers and {MAX_HEAD_BYTES:,} bytes; this one has more"


class HttpProtocol(asyncio.Protocol):
    """One connection. Requests are answered in the order they came, one after the other.

    A body beyond `max_body_bytes` is handed over as soon as it is known to be too large, for the application to refuse.

    Parameters
    ----------
    app : callable
        Answers a request by one call of what it is given, now or later; it must not raise.
    connections : set
        Those that are open: this one adds and removes itself.
    max_body_bytes : int
    limit : int
        Connections beyond are refused with 503.
    """

    _transport: asyncio.Transport

    def __init__(
        self,
        app: Application,
        connections: "set[HttpProtocol]",
        *,
        max_body_bytes: int,
        limit: int = CONNECTIONS,
    ) -> None:
        self._app, self._connections, self._bound, self._limit = app, connections, max_body_bytes, limit
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._caller = ""
        self._waiting: deque[tuple[Request, bool]] = deque()  # whole requests; whether others may follow
        self._answering = False
        self._asking = False  # the application is being called
        self._bodiless = False  # what is being answered is a HEAD
        self._keep = True  # another request may follow the one being answered
        self._ending = False  # what comes whole now is the last request
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
        self._caller = str(peer[0]) if isinstance(peer, tuple) else ""
        self._connections.add(self)
        if len(self._connections) > self._limit:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"more than {self._limit:,} connections; try again later")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it; what is being answered is answered into the void, for it may be recorded already."""
        self._connections.discard(self)
        self._waiting.clear()
        self._deaf = True

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        while data and not self._deaf:
            data = self._fed(data)

    def _fed(self, data: bytes) -> bytes:
        """Feed the parser; return what is to be read again."""
        self._beside += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as e:  # no other protocol is spoken here: it is read again as a usual one
            if self._parser.get_method() == b"CONNECT":
                self._refuse(HTTPStatus.NOT_IMPLEMENTED, "this is no proxy: CONNECT is not known here")
                return b""
            again = self._without_upgrade()
            self._parser = httptools.HttpRequestParser(self)
            return again + data[e.args[0] :]
        except httptools.HttpParserError as e:
            self._refuse(HTTPStatus.BAD_REQUEST, f"this is not HTTP/1.1: {e}")
        else:
            if self._partial and self._beside > MAX_HEAD_BYTES:  # a head or trailers without an end
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE_HEAD)
        return b""

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
        self._url, self._size, self._beside = b"", 0, 0  # `_beside`: bytes since the last ones of a body
        self._headers: dict[bytes, bytes] = {}
        self._header_count = 0
        self._parts: list[bytes] = []
        self._partial, self._in_head, self._since = True, True, time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request line."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; a trailer of a chunked body says nothing here."""
        if self._in_head:
            self._headers[name.lower()] = value
            self._header_count += 1

    def on_headers_complete(self) -> None:
        """See whether a body will come, and whether it is welcome."""
        self._in_head = False
        if self._deaf or self._parser.should_upgrade():
            return
        if self._header_count > MAX_HEADERS or len(self._url) > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LARGE_HEAD)
        elif int(self._headers.get(b"content-length", 0)) > self._bound:
            self._too_large()
        elif self._headers.get(b"expect", b"").lower() == b"100-continue" and not self._busy:
            self._transport.write(CONTINUE)

    def on_body(self, part: bytes) -> None:
        """Take a piece of the body."""
        if self._deaf:
            return
        self._size, self._beside = self._size + len(part), 0
        self._parts.append(part)
        if self._size > self._bound:
            self._too_large()

    def on_message_complete(self) -> None:
        """Hand over a whole request."""
        self._partial = False
        if self._deaf or self._parser.should_upgrade():
            return
        keep = self._parser.should_keep_alive() and not self._ending
        if keep and b"connection" in self._headers:  # an old client would wait for an answer that says it is kept
            keep = self._parser.get_http_version() == "1.1"
        self._dispatch(keep=keep)
        if self._ending:
            self._deaf = True

    # what the server asks

    def shutdown(self) -> None:
        """End the connection once what was begun is answered."""
        self._ending = True
        if not self._busy and not self._partial:
            self._transport.close()

    def overdue(self, now: float) -> None:
        """Cut off a client that is slow to send, slow to take its answers, or idle for too long."""
        if self._transport.is_closing():  # and the client does not take what is left
            if now - self._since > READ_S:
                self._transport.abort()
        elif self._blocked is not None:
            if now - self._blocked > READ_S:
                self._transport.abort()
        elif self._answering:
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
        return self._answering or bool(self._waiting)

    def _without_upgrade(self) -> bytes:
        """Return the head of a request that asks for another protocol, which it need not be given."""
        lines = [b"%b: %b\r\n" % header for header in self._headers.items() if header[0] != b"upgrade"]
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (self._parser.get_method(), self._url, b"".join(lines))

    def _too_large(self) -> None:
        self._deaf = True
        self._dispatch(keep=False)

    def _dispatch(self, *, keep: bool) -> None:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        method = self._parser.get_method().decode("ascii")
        self._waiting.append((Request(method, path_of(self._url), self._headers, body, self._caller), keep))
        if not self._answering:
            self._next()
        if len(self._waiting) == PIPELINED:
            self._transport.pause_reading()

    def _next(self) -> None:
        """Answer the next request, if there is one and its client takes answers."""
        if not self._waiting or self._answering or self._blocked is not None:
            return
        if len(self._waiting) == PIPELINED:
            self._transport.resume_reading()
        request, self._keep = self._waiting.popleft()
        self._bodiless = request.method == "HEAD"
        self._answering = self._asking = True
        try:
            self._app(request, self._send)
        except Exception:
            log.exception("a request of %s failed", self._caller)
            self._transport.abort()
        self._asking = False

    def _send(self, reply: Reply) -> None:
        """Take an answer, and go on.

        What is answered at once goes out one pass of the loop later: clients who ask again as soon as they are refused
        would keep the loop reading for seconds.
        """
        if self._asking:
            self._loop.call_soon(self._send, reply)
            return
        self._answering, self._since = False, time.monotonic()
        if self._transport.is_closing():  # the client has left
            return
        if self._ending and not self._waiting and not self._partial:
            self._keep = False
        if reply.parts and not self._waiting and not self._partial:
            self._keep = False
        self._write(reply, keep=self._keep)
        if not self._keep:
            self._part()
        elif self._waiting:
            self._next()

    def _write(self, reply: Reply, *, keep: bool) -> None:
        end = b"\r\n" if keep else b"connection: close\r\n\r\n"
        body = b"" if self._bodiless else reply.body
        self._transport.write(b"".join((STATUS_LINE[reply.status], reply.head(), end, body)))

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer what never became a request, and end; behind an answer under way, only end."""
        if self._deaf:
            return
        self._deaf, self._ending, self._partial = True, True, False
        self._waiting.clear()
        if not self._answering:
            self._bodiless = False
            self._write(Reply(error_body(text), status), keep=False)
            self._part()

    def _part(self) -> None:
        """Take nothing more; what a refused client still sends is read away for a while, else it would see a reset."""
        lingers, self._deaf, self._ending, self._since = self._deaf, True, True, time.monotonic()
        if lingers and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()


def path_of(url: bytes) -> str:
    """Return the decoded path of a request target, without its query; a proxy's client sends a whole URL."""
    raw = url.partition(b"?")[0]
    return _path(raw) if len(raw) <= CACHED else _path.__wrapped__(raw)


@lru_cache(maxsize=1_024)
def _path(raw: bytes) -> str:
    if not raw.startswith(b"/"):
        try:
            raw = httptools.parse_url(raw).path or b"/"
        except httptools.HttpParserInvalidURLError:
            return raw.decode("latin-1")
    return unquote(raw.decode("ascii", "replace"))
