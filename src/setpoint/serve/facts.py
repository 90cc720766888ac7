"""What a worker tells about itself and its models: metadata, health, metrics, documents."""

from importlib.metadata import version as installed
from typing import Any

from setpoint.serve.describe import v1_model, v2_model
from setpoint.serve.encode import encode_json
from setpoint.serve.http import Reply
from setpoint.serve.metrics import CONTENT_TYPE
from setpoint.serve.openapi import openapi
from setpoint.serve.plane import DataPlane
from setpoint.serve.routes import Call

TEXT = b"text/plain; charset=utf-8"
EXTENSIONS = ("binary_tensor_data",)


class Facts:
    """The handlers of what is asked about a plane.

    Parameters
    ----------
    plane : DataPlane
    """

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def alive(self, call: Call) -> Reply:
        """Answer `GET /`, by which KServe's v1 clients ask whether a server lives."""
        return Reply(encode_json({"status": "alive"}))

    def models(self, call: Call) -> Reply:
        """Answer `GET /v1/models`."""
        return Reply(encode_json({"models": sorted(self._plane.table.routes)}))

    def describe_v1(self, call: Call) -> Reply:
        """Answer `GET /v1/models/{m}`."""
        route = self._plane.table.route(call.model)
        return Reply(encode_json(v1_model(call.model, route)), version=route.champion.version)

    def describe_v2(self, call: Call) -> Reply:
        """Answer `GET /v2/models/{m}[/versions/{v}]`."""
        route = self._plane.table.route(call.model)
        target = route.target(call.version)
        return Reply(encode_json(v2_model(target, route)), version=target.version)

    def model_ready(self, call: Call) -> Reply:
        """Answer `GET /v2/models/{m}[/versions/{v}]/ready`."""
        target = self._plane.table.route(call.model).target(call.version)
        return Reply(encode_json({"name": call.model, "ready": True}), version=target.version)

    def server(self, call: Call) -> Reply:
        """Answer `GET /v2`."""
        about = {"name": "setpoint", "version": installed("setpoint"), "extensions": EXTENSIONS}
        return Reply(encode_json(about))

    def live(self, call: Call) -> Reply:
        """Answer `GET /v2/health/live`."""
        return Reply(encode_json({"live": True}))

    def ready(self, call: Call) -> Reply:
        """Answer `GET /v2/health/ready`: 200 when every model of live.json is served."""
        health = self._health()
        return Reply(encode_json(health), 200 if health["ready"] else 503)

    def health(self, call: Call) -> Reply:
        """Answer `GET /v2/health`: the same, always with 200, for people."""
        return Reply(encode_json(self._health()))

    def ping(self, call: Call) -> Reply:
        """Answer `GET /ping` and `GET /health`, and the same under `/models/{m}` for one model alone."""
        if call.model:
            target = self._plane.table.route(call.model).champion
            return Reply(b"\n", version=target.version, content_type=TEXT)
        return Reply(b"\n", content_type=TEXT) if self._plane.table.complete else self.ready(call)

    def release(self, call: Call) -> Reply:
        """Answer `GET /version`."""
        version = self._plane.table.route(call.model).champion.version if call.model else ""
        return Reply(installed("setpoint").encode(), version=version, content_type=TEXT)

    def prometheus(self, call: Call) -> Reply:
        """Answer `GET /metrics`."""
        self._plane.sample()
        return Reply(self._plane.metrics.text(), content_type=CONTENT_TYPE)

    def document(self, call: Call) -> Reply:
        """Answer `GET /openapi.json`."""
        return Reply(encode_json(openapi(self._plane.table, installed("setpoint"))))

    def _health(self) -> dict[str, Any]:
        table = self._plane.table
        notes = [*table.notes, *([self._plane.recorder.note] if self._plane.recorder.note else [])]
        return {"live": True, "ready": table.complete, "generation": table.generation, "notes": notes}
