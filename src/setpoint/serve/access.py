"""The access log: a line of JSON for each request and call that was answered, with its W3C trace (Trace Context 1)."""

import logging
import os
import re
import time
from pathlib import Path
from typing import Any

from setpoint.serve.encode import encode_json
from setpoint.serve.http import Application, Reply, Request, Send

log = logging.getLogger("setpoint.serve")
TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
GATHERED = 256 * 2**10  # bytes held back at most, between two beats


class AccessLog:
    """Lines that all workers append to one file; each `flush` is one write, so that no line is torn.

    Parameters
    ----------
    file : Path
        Made if it is not there; `/dev/stderr` for the process's own error stream.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines = bytearray()

    def around(self, app: Application) -> Application:
        """Return the application with a line written for each of its answers."""

        def logged(request: Request, send: Send) -> None:
            started = time.perf_counter()

            def noted(reply: Reply) -> None:
                asked = request.headers
                request_id, caller = reply.logged or (reply.request_id, request.caller)
                line = {
                    "request_id": request_id,
                    "caller": caller or None,
                    "method": request.method,
                    "path": request.path,
                    "status": reply.status,
                    "version": reply.version or None,
                    "bytes_in": int(length) if (length := asked.get(b"content-length", b"")).isdigit() else None,
                    "bytes_out": len(reply.body),
                }
                self.note(line, time.perf_counter() - started, asked.get(b"traceparent", b""))
                send(reply)

            app(request, noted)

        return logged

    def note(self, line: dict[str, Any], seconds: float, traceparent: bytes) -> None:
        """Add a line; it gets the time, how long the answer took, and the trace that `traceparent` names, if any."""
        now_ms = time.time_ns() // 1_000_000
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms // 1_000)) + f".{now_ms % 1_000:03d}Z"
        line = {"at": at, **line, "ms": round(seconds * 1e3, 3)}
        trace = TRACEPARENT.fullmatch(traceparent)
        if trace:
            line |= {"trace_id": trace[1].decode(), "parent_id": trace[2].decode()}
        self._lines += encode_json(line) + b"\n"
        if len(self._lines) > GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered; a disk that refuses costs lines, never answers."""
        if not self._lines:
            return
        lines, self._lines = self._lines, bytearray()
        try:
            descriptor = os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o640)
            try:
                os.write(descriptor, lines)
            finally:
                os.close(descriptor)
        except OSError as e:
            log.error("%d bytes of access log are lost: %s", len(lines), e)
