"""The HTTP door of the data plane: a request in, a reply out, whatever goes wrong.

Plain functions and one callback a request: a task and its coroutines would cost as much as the decoding.
"""

import logging
import time
from collections.abc import Callable

from setpoint.errors import InvalidInput, Overloaded, SetpointError, Throttled
from setpoint.serve.asked import Asked
from setpoint.serve.asking import Predicted, predict, violations_of
from setpoint.serve.body import body_of
from setpoint.serve.encode import UNRECORDED, encode_json, error_body, status_of
from setpoint.serve.facts import Facts
from setpoint.serve.form import Form
from setpoint.serve.http import Reply, Request, Send, id_of
from setpoint.serve.outcomes import decode_outcomes
from setpoint.serve.plane import DataPlane
from setpoint.serve.predictions import WAYS, Way, model_of
from setpoint.serve.quiet import quiet
from setpoint.serve.routes import ROUTES, Call, find

log = logging.getLogger("setpoint.serve")
PARTING = 8  # of so many requests refused for too much work, one ends its connection: the next may find another worker


class App:
    """Answers the requests of connections over one data plane.

    Parameters
    ----------
    plane : DataPlane
    max_body_bytes : int
        Larger bodies are refused with 413.
    """

    def __init__(self, plane: DataPlane, *, max_body_bytes: int) -> None:
        self._plane, self._bound = plane, max_body_bytes
        self._overloads = 0
        facts = Facts(plane)
        self._at_once: dict[str, Callable[[Call], Reply]] = {
            name: getattr(facts, name) for _, _, name in ROUTES if hasattr(facts, name)
        }
        self._at_once["take_outcomes"] = self._take_outcomes

    def __call__(self, request: Request, send: Send) -> None:
        """Answer one request: `send` is called once, now or when the answer is recorded."""
        started_ns, arrived_us = time.perf_counter_ns(), time.time_ns() // 1_000
        found = find(request.path)
        call = Call(
            found.model,
            found.version,
            id_of(request.headers),
            request.headers,
            request.body,
            request.caller,
            arrived_us,
            started_ns,
        )
        self._plane.metrics.in_flight += 1
        name = found.handlers.get(request.method)
        way = WAYS.get(name) if name else None
        try:
            if way:
                self._predict(call, way, send)
                return
            reply = self._at_once[name](call) if name else self._no_handler(request, found.handlers)
        except Exception as e:
            reply = self._failed(e, call)
        self._send(send, reply, call)

    def _predict(self, call: Call, way: Way, send: Send) -> None:
        """Ask the plane, and answer what comes of it."""
        call.model = model_of(call, self._plane.table)

        def decode(form: Form) -> Asked:
            return way.decode(call, body_of(call, self._bound, way.types), form)

        def done(found: Predicted | SetpointError) -> None:
            try:
                reply = way.encode(call, found) if isinstance(found, Predicted) else self._error(found, call)
            except Exception as e:
                reply = self._failed(e, call)
            self._send(send, reply, call)

        predict(self._plane, self._plane.table.route(call.model), call.version, call, decode, done)

    def _take_outcomes(self, call: Call) -> Reply:
        """Answer `POST /v1/models/{m}:outcome` once the outcomes are written."""
        route = self._plane.table.route(call.model)
        form, guard = route.champion.form, route.champion.guard
        try:
            outcomes = decode_outcomes(body_of(call, self._bound), form.schema, call.arrived_us)
        except InvalidInput as e:
            raise (quiet(e, form) if guard else e) from None
        if guard:
            outcomes = [guard.outcome(outcome) for outcome in outcomes]
        self._plane.record_outcomes(call.model, outcomes)
        return Reply(encode_json({"recorded": len(outcomes)}), version=route.champion.version)

    def _send(self, send: Send, reply: Reply, call: Call) -> None:
        self._plane.metrics.in_flight -= 1
        reply.request_id = call.request_id
        guard = self._plane.table.guard(call.model)
        if guard:
            reply.logged = guard.id(call.request_id), guard.caller(call.caller)
        send(reply)

    def _no_handler(self, request: Request, allowed: dict[str, str]) -> Reply:
        """Return 405 with what is allowed, or 404."""
        path, method = request.path, request.method
        if not allowed:
            self._plane.metrics.error(404)
            return Reply(error_body(f"there is no route {path}; GET /openapi.json lists those there are"), 404)
        self._plane.metrics.error(405)
        allow = ", ".join(allowed)
        headers = ((b"allow", allow.encode()),)
        return Reply(error_body(f"{path} takes {allow}, not {method}"), 405, headers=headers)

    def _failed(self, error: Exception, call: Call) -> Reply:
        """Return what a caller is told of a refusal, or of a defect of ours."""
        if isinstance(error, SetpointError):
            return self._error(error, call)
        guard = self._plane.table.guard(call.model)
        log.error("request %s failed", guard.id(call.request_id) if guard else call.request_id, exc_info=error)
        return Reply(error_body(f"internal error; the log of the worker has request {call.request_id}"), 500)

    def _error(self, error: SetpointError, call: Call) -> Reply:
        status = status_of(error)
        route = self._plane.table.routes.get(call.model)
        if route is None or status in UNRECORDED:
            self._plane.metrics.error(status)
        after = getattr(error, "retry_after_s", 1)
        headers = ((b"retry-after", b"%d" % after),) if status in (429, 503) else ()
        overloaded = isinstance(error, Overloaded) and not isinstance(error, Throttled)
        self._overloads += overloaded
        parts = overloaded and self._overloads % PARTING == 0
        version = call.answers or (route.champion.version if route else "")
        return Reply(error_body(str(error), violations_of(error)), status, version, headers=headers, parts=parts)
