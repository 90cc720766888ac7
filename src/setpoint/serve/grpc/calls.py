"""The methods of the gRPC services, over one data plane."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.json_format import ParseDict

from setpoint.domain.sensitive import Guard
from setpoint.errors import DeadlineExceeded, NotFound, NotReady, SetpointError
from setpoint.serve.access import AccessLog
from setpoint.serve.asking import Predicted, predict
from setpoint.serve.contract import told
from setpoint.serve.describe import v2_model
from setpoint.serve.encode import UNRECORDED, status_of
from setpoint.serve.grpc import health_pb2 as health
from setpoint.serve.grpc import open_inference_pb2 as oip
from setpoint.serve.grpc.gathering import Gathering
from setpoint.serve.grpc.messages import asked_of, parsed, response_of
from setpoint.serve.identity import ROUTING_KEY, accepted_id, new_id, routing_key
from setpoint.serve.plane import DataPlane
from setpoint.serve.table import Route

log = logging.getLogger("setpoint.serve")
INFERENCE, HEALTH = "inference.GRPCInferenceService", "grpc.health.v1.Health"
CODES = {
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
LONGEST = 2_000  # bytes of an error's text: it travels in a header, escaped
Context = Any
Metadata = Mapping[str, str]


@dataclass(slots=True)
class Call:
    """One call as a method sees it; `answers` is the version that the caller is told of."""

    request_id: str
    caller: str
    metadata: Metadata = field(default_factory=dict)
    answers: str = ""
    told: tuple[tuple[str, str], ...] = ()
    guard: Guard | None = None  # of the model that is asked, where ids or callers may be sensitive
    arrived_us: int = field(default_factory=lambda: time.time_ns() // 1_000)
    started_ns: int = field(default_factory=time.perf_counter_ns)
    due_ns: int = 0

    def deadline_ns(self) -> int:
        """Return by when it must be answered; 0 if nothing is said of that."""
        return self.due_ns

    def routing_key(self) -> str:
        """Return what chooses among the versions of a model that has challengers."""
        return routing_key(self.metadata.get(ROUTING_KEY), self.request_id)


class Calls:
    """Answers the methods of both services.

    Parameters
    ----------
    plane : DataPlane
    access : AccessLog, optional
        Where to note each answer.
    """

    def __init__(self, plane: DataPlane, access: AccessLog | None = None) -> None:
        self._plane, self._access = plane, access
        self.stopping = False  # then calls are refused with UNAVAILABLE
        self._gathering = Gathering()

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return what a server is given; messages reach the methods as bytes, so that bad ones are refused here."""
        methods = {
            INFERENCE: {
                "ServerLive": self.server_live,
                "ServerReady": self.server_ready,
                "ModelReady": self.model_ready,
                "ServerMetadata": self.server_metadata,
                "ModelMetadata": self.model_metadata,
                "ModelInfer": self.model_infer,
            },
            HEALTH: {"Check": self.check},
        }
        return tuple(
            grpc.method_handlers_generic_handler(
                service,
                {
                    name: grpc.unary_unary_rpc_method_handler(self._guarded(f"/{service}/{name}", method))
                    for name, method in named.items()
                },
            )
            for service, named in methods.items()
        )

    async def server_live(self, body: bytes, call: Call) -> bytes:
        """Say that the process answers."""
        return _bytes(oip.ServerLiveResponse(live=True))

    async def server_ready(self, body: bytes, call: Call) -> bytes:
        """Say whether every model of live.json is served."""
        return _bytes(oip.ServerReadyResponse(ready=self._plane.table.complete))

    async def model_ready(self, body: bytes, call: Call) -> bytes:
        """Say whether a model, or one version of it, is served."""
        request = parsed(oip.ModelReadyRequest, body)
        try:
            call.answers = self._route(request.name, call).target(request.version or None).version
        except NotReady:
            return _bytes(oip.ModelReadyResponse(ready=False))
        return _bytes(oip.ModelReadyResponse(ready=True))

    async def server_metadata(self, body: bytes, call: Call) -> bytes:
        """Say what serves."""
        return _bytes(oip.ServerMetadataResponse(name="setpoint", version=installed("setpoint")))

    async def model_metadata(self, body: bytes, call: Call) -> bytes:
        """Describe a model by its schema."""
        request = parsed(oip.ModelMetadataRequest, body)
        route = self._route(request.name, call)
        target = route.target(request.version or None)
        call.answers = target.version
        return _bytes(ParseDict(v2_model(target, route), oip.ModelMetadataResponse(), ignore_unknown_fields=True))

    async def model_infer(self, body: bytes, call: Call) -> bytes:
        """Predict as HTTP does; raw contents are answered with raw contents."""
        request = parsed(oip.ModelInferRequest, body)
        route = self._route(request.model_name, call)
        found = await self._ask(request, route, call)
        call.told = told(found.asked.rows.breach)
        raw = bool(request.raw_input_contents)
        return response_of(found.answer, found.target, call.request_id, found.asked, raw=raw)

    def _ask(self, request: oip.ModelInferRequest, route: Route, call: Call) -> "asyncio.Future[Predicted]":
        """Ask together with other calls; return what will be the answer."""
        answered: asyncio.Future[Predicted] = asyncio.get_running_loop().create_future()

        def done(found: Predicted | Exception) -> None:
            if answered.cancelled():  # the client has left
                return
            if isinstance(found, SetpointError):
                found = found.with_traceback(None)  # its frames hold this future: the collector would have to part them
            if isinstance(found, Exception):
                answered.set_exception(found)
            else:
                answered.set_result(found)

        def ask() -> None:
            try:
                predict(self._plane, route, request.model_version or None, call, lambda f: asked_of(request, f), done)
            except Exception as e:
                done(e)

        self._gathering.add(ask)
        return answered

    async def check(self, body: bytes, call: Call) -> bytes:
        """Answer a probe: for the server as a whole, or for the service of inference."""
        request = parsed(health.HealthCheckRequest, body)
        if request.service not in ("", INFERENCE):
            raise NotFound(f"no service {request.service[:64]!r} is known; known: {INFERENCE}")
        status = (
            health.HealthCheckResponse.SERVING if self._plane.table.complete else health.HealthCheckResponse.NOT_SERVING
        )
        return _bytes(health.HealthCheckResponse(status=status))

    def _route(self, model: str, call: Call) -> Route:
        route = self._plane.table.route(model)
        call.answers, call.guard = route.champion.version, route.champion.guard
        return route

    def _guarded(
        self, path: str, method: Callable[[bytes, Call], Awaitable[bytes]]
    ) -> Callable[[bytes, Context], Awaitable[bytes]]:
        """Return the method as the server calls it: with the caller's ids, and a status for every error."""
        metrics = self._plane.metrics

        async def handle(body: bytes, context: Context) -> bytes:
            call = call_of(context)
            metrics.in_flight += 1
            reply, code, text = b"", grpc.StatusCode.OK, ""
            try:
                if self.stopping:
                    raise NotReady("this worker stops; ask again")
                if call.due_ns and call.due_ns <= call.started_ns:
                    raise DeadlineExceeded("the deadline was over before the call's turn")
                reply = await method(body, call)
            except SetpointError as e:
                code, text = code_of(e), str(e)
                status = status_of(e)
                if not call.answers or status in UNRECORDED:
                    metrics.error(status)
            except Exception:
                log.exception("request %s failed", call.guard.id(call.request_id) if call.guard else call.request_id)
                code = grpc.StatusCode.INTERNAL
                text = f"internal error; the log of the worker has request {call.request_id}"
            finally:
                metrics.in_flight -= 1
            self._note(path, call, code, len(body), len(reply))
            version = call.answers.encode("ascii", "replace").decode()
            context.set_trailing_metadata((("x-request-id", call.request_id), ("x-model-version", version), *call.told))
            if code is not grpc.StatusCode.OK:
                await context.abort(code, shortened(text))
            return reply

        return handle

    def _note(self, path: str, call: Call, code: grpc.StatusCode, bytes_in: int, bytes_out: int) -> None:
        if self._access is None:
            return
        guard = call.guard
        line = {
            "request_id": guard.id(call.request_id) if guard else call.request_id,
            "caller": (guard.caller(call.caller) if guard else call.caller) or None,
            "method": path,
            "status": code.name,
            "version": call.answers or None,
            "bytes_in": bytes_in,
            "bytes_out": bytes_out,
        }
        seconds = (time.perf_counter_ns() - call.started_ns) / 1e9
        self._access.note(line, seconds, call.metadata.get("traceparent", "").encode())


def call_of(context: Context) -> Call:
    """Return the call of a context: with the caller's request id if it is usable, else a new one."""
    metadata = dict(context.invocation_metadata() or ())
    given = metadata.get("x-request-id", "")
    call = Call(given if accepted_id(given) else new_id(), caller_of(context.peer()), metadata)
    remaining_s = context.time_remaining()
    if remaining_s is not None:
        call.due_ns = call.started_ns + int(remaining_s * 1e9)
    return call


def caller_of(peer: str) -> str:
    """Return the address of a peer, as `ipv4:127.0.0.1:50000` or `ipv6:%5B::1%5D:50000` spell it."""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else ""


def code_of(error: SetpointError) -> grpc.StatusCode:
    """Return the gRPC code that stands for the HTTP status of an error."""
    status = status_of(error)
    return CODES.get(status, grpc.StatusCode.INTERNAL if status >= 500 else grpc.StatusCode.INVALID_ARGUMENT)


def shortened(text: str) -> str:
    """Return a text that fits into a header."""
    raw = text.encode()
    return text if len(raw) <= LONGEST else raw[:LONGEST].decode("utf-8", "ignore") + "…"


def _bytes(message: Any) -> bytes:
    found: bytes = message.SerializeToString()
    return found
