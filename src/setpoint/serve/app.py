"""The HTTP door of the data plane: a request in, a reply out, whatever goes wrong. Raw ASGI: the hot path is short."""

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from setpoint.errors import SetpointError
from setpoint.serve.asking import violations_of
from setpoint.serve.encode import error_body, status_of
from setpoint.serve.facts import Facts
from setpoint.serve.http import ClientGone, Receive, Reply, Scope, Send, read_headers, send_reply
from setpoint.serve.plane import DataPlane
from setpoint.serve.predictions import Predictions
from setpoint.serve.routes import ROUTES, Call, find

log = logging.getLogger("setpoint.serve")
Handler = Callable[[Call], Awaitable[Reply]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]


class App:
    """An ASGI application over one data plane.

    Parameters
    ----------
    plane : DataPlane
    max_body_bytes : int
        Larger bodies are refused with 413.
    lifespan : callable
        Returns the context in which requests are taken.
    """

    def __init__(self, plane: DataPlane, *, max_body_bytes: int, lifespan: Lifespan) -> None:
        self._plane = plane
        self._lifespan = lifespan
        rooms = (Predictions(plane, max_body_bytes), Facts(plane))
        self._handlers: dict[str, Handler] = {
            name: getattr(room, name) for _, _, name in ROUTES for room in rooms if hasattr(room, name)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        started_ns, arrived_us = time.perf_counter_ns(), time.time_ns() // 1_000
        headers = dict(scope["headers"])
        request_id, announced = read_headers(headers)
        found = find(scope["path"])
        client = scope["client"]
        caller = client[0] if client else ""
        call = Call(
            found.model, found.version, request_id, announced, headers, receive, caller, arrived_us, started_ns
        )  # fmt: skip
        metrics = self._plane.metrics
        metrics.in_flight += 1
        try:
            name = found.handlers.get(scope["method"])
            reply = await self._handlers[name](call) if name else self._no_handler(scope, found.handlers)
        except SetpointError as e:
            reply = self._error(e, call)
        except ClientGone:
            return
        except Exception:
            log.exception("request %s failed", request_id)
            reply = Reply(error_body(f"internal error; the log of the worker has request {request_id}"), 500)
        finally:
            metrics.in_flight -= 1
        await send_reply(send, reply, call.request_id)

    def _no_handler(self, scope: Scope, allowed: dict[str, str]) -> Reply:
        """Return 405 with what is allowed, or 404."""
        path, method = scope["path"], scope["method"]
        if not allowed:
            self._plane.metrics.error(404)
            return Reply(error_body(f"there is no route {path}; GET /openapi.json lists those there are"), 404)
        self._plane.metrics.error(405)
        allow = ", ".join(allowed)
        headers = ((b"allow", allow.encode()),)
        return Reply(error_body(f"{path} takes {allow}, not {method}"), 405, headers=headers)

    def _error(self, error: SetpointError, call: Call) -> Reply:
        status = status_of(error)
        route = self._plane.table.routes.get(call.model)
        if route is None or status == 429:
            self._plane.metrics.error(status)
        after = getattr(error, "retry_after_s", 1)
        headers = ((b"retry-after", b"%d" % after),) if status in (429, 503) else ()
        version = route.champion.version if route else ""
        return Reply(error_body(str(error), violations_of(error)), status, version, headers=headers)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run the lifespan protocol around the context given."""
        await receive()
        async with self._lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
