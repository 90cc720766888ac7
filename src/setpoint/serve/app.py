"""The HTTP door of the data plane: routes, bodies in, answers out. Raw ASGI, for the hot path is short."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version as installed
from typing import Any

from setpoint.domain.schema import Schema
from setpoint.errors import InvalidInput, ModelFailed, NotFound, SetpointError
from setpoint.serve.decode import decode_v1
from setpoint.serve.describe import openapi, v1_model, v2_model
from setpoint.serve.encode import encode_json, encode_v1, encode_v2, error_body, status_of
from setpoint.serve.form import Form
from setpoint.serve.http import ClientGone, Receive, Reply, Scope, Send, read_body, read_headers, send_reply
from setpoint.serve.metrics import CONTENT_TYPE
from setpoint.serve.outcomes import decode_outcomes
from setpoint.serve.plane import DataPlane
from setpoint.serve.routes import ROUTES, Call, find
from setpoint.serve.table import Route, Target
from setpoint.serve.tensors import Asked, decode_v2
from setpoint.serve.work import MODEL_ERROR, Answer

log = logging.getLogger("setpoint.serve")
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
        self._bound = max_body_bytes
        self._lifespan = lifespan
        self._handlers = {name: getattr(self, name) for _, _, name in ROUTES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        started_ns, arrived_us = time.perf_counter_ns(), time.time_ns() // 1_000
        request_id, announced = read_headers(scope["headers"])
        found = find(scope["path"])
        client = scope["client"]
        caller = client[0] if client else ""
        call = Call(found.model, found.version, request_id, announced, receive, caller, arrived_us, started_ns)
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
        await send_reply(send, reply, request_id)

    async def predict_v1(self, call: Call) -> Reply:
        """Answer `POST /v1/models/{m}[/versions/{v}]:predict`."""
        target, _, answer = await self._predict(call, lambda body, form: Asked(decode_v1(body, form)))
        return Reply(encode_v1(answer, target.form.schema), version=target.version)

    async def predict_v2(self, call: Call) -> Reply:
        """Answer `POST /v2/models/{m}[/versions/{v}]/infer`."""
        target, asked, answer = await self._predict(call, decode_v2)
        body = encode_v2(answer, target, asked.id or call.request_id, asked.outputs)
        return Reply(body, version=target.version)

    async def _predict(self, call: Call, decode: Callable[[bytes, Form], Asked]) -> tuple[Target, Asked, Answer]:
        """Decode, ask, and wait for the recorded answer; what is refused on a known model is recorded as well."""
        route = self._plane.table.route(call.model)
        try:
            target = route.target(call.version)
            asked = decode(await read_body(call.receive, call.announced, self._bound), target.form)
        except (InvalidInput, NotFound) as e:
            await self._plane.refuse(
                route.champion,
                call.request_id,
                status=status_of(e),
                violations=violations_of(e),
                caller=call.caller,
                arrived_us=call.arrived_us,
                started_ns=call.started_ns,
            )
            raise
        answer = await self._plane.ask(
            target,
            asked.rows,
            call.request_id,
            caller=call.caller,
            arrived_us=call.arrived_us,
            started_ns=call.started_ns,
        )
        return target, asked, answer

    async def take_outcomes(self, call: Call) -> Reply:
        """Answer `POST /v1/models/{m}:outcome` once the outcomes are written."""
        route = self._plane.table.route(call.model)
        body = await read_body(call.receive, call.announced, self._bound)
        outcomes = decode_outcomes(body, self._schema(route), call.arrived_us)
        self._plane.record_outcomes(call.model, outcomes)
        return Reply(encode_json({"recorded": len(outcomes)}), version=route.champion.version)

    async def describe_v1(self, call: Call) -> Reply:
        """Answer `GET /v1/models/{m}`."""
        route = self._plane.table.route(call.model)
        return Reply(encode_json(v1_model(call.model, route)), version=route.champion.version)

    async def describe_v2(self, call: Call) -> Reply:
        """Answer `GET /v2/models/{m}[/versions/{v}]`."""
        route = self._plane.table.route(call.model)
        target = route.target(call.version)
        return Reply(encode_json(v2_model(target, route)), version=target.version)

    async def model_ready(self, call: Call) -> Reply:
        """Answer `GET /v2/models/{m}[/versions/{v}]/ready`."""
        target = self._plane.table.route(call.model).target(call.version)
        return Reply(encode_json({"name": call.model, "ready": True}), version=target.version)

    async def server(self, call: Call) -> Reply:
        """Answer `GET /v2`."""
        return Reply(encode_json({"name": "setpoint", "version": installed("setpoint"), "extensions": []}))

    async def live(self, call: Call) -> Reply:
        """Answer `GET /v2/health/live`."""
        return Reply(encode_json({"live": True}))

    async def ready(self, call: Call) -> Reply:
        """Answer `GET /v2/health/ready`: 200 when every model of live.json is served."""
        health = self._health()
        return Reply(encode_json(health), 200 if health["ready"] else 503)

    async def health(self, call: Call) -> Reply:
        """Answer `GET /v2/health`: the same, always with 200, for people."""
        return Reply(encode_json(self._health()))

    async def prometheus(self, call: Call) -> Reply:
        """Answer `GET /metrics`."""
        self._plane.sample()
        return Reply(self._plane.metrics.text(), content_type=(b"content-type", CONTENT_TYPE))

    async def document(self, call: Call) -> Reply:
        """Answer `GET /openapi.json`."""
        return Reply(encode_json(openapi(self._plane.table, installed("setpoint"))))

    def _health(self) -> dict[str, Any]:
        table = self._plane.table
        notes = [*table.notes, *([self._plane.recorder.note] if self._plane.recorder.note else [])]
        return {"live": True, "ready": table.complete, "generation": table.generation, "notes": notes}

    def _schema(self, route: Route) -> Schema:
        return route.champion.form.schema

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
        if route is None:
            self._plane.metrics.error(status)
        headers = ((b"retry-after", b"1"),) if status == 503 else ()
        version = route.champion.version if route else ""
        return Reply(error_body(str(error), violations_of(error)), status, version, headers=headers)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run the lifespan protocol around the context given."""
        await receive()
        async with self._lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def violations_of(error: SetpointError) -> tuple[str, ...]:
    """Return the codes that are recorded for an error."""
    match error:
        case ModelFailed():
            return (MODEL_ERROR,)
        case NotFound():
            return ("version:unknown",)
        case _:
            return getattr(error, "violations", ())
