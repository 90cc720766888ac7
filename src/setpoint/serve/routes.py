"""Which path and method lead to which handler."""

import re
from dataclasses import dataclass
from functools import lru_cache

from setpoint.serve.deadlines import deadline_of
from setpoint.serve.identity import ROUTING_KEY, routing_key

ROUTING_HEADER = ROUTING_KEY.encode()
MODEL = r"/models/(?P<model>[^/:]+)"
VERSION = r"(?:/versions/(?P<version>[^/:]+))?"
LONGEST = 1_024
ROUTES = (
    ("POST", rf"/v1{MODEL}{VERSION}:predict", "predict_v1"),
    ("POST", rf"/v2{MODEL}{VERSION}/infer", "predict_v2"),
    ("POST", rf"/v1{MODEL}:outcome", "take_outcomes"),
    ("POST", "/invocations", "invocations"),
    ("POST", rf"{MODEL}/invocations", "invocations"),
    ("GET", "/", "alive"),
    ("GET", "/v1/models", "models"),
    ("GET", rf"/v1{MODEL}", "describe_v1"),
    ("GET", rf"/v2{MODEL}{VERSION}", "describe_v2"),
    ("GET", rf"/v2{MODEL}{VERSION}/ready", "model_ready"),
    ("GET", "/v2", "server"),
    ("GET", "/v2/health", "health"),
    ("GET", "/v2/health/live", "live"),
    ("GET", "/v2/health/ready", "ready"),
    ("GET", "/ping", "ping"),
    ("GET", rf"{MODEL}/ping", "ping"),
    ("GET", "/health", "ping"),
    ("GET", rf"{MODEL}/health", "ping"),
    ("GET", "/version", "release"),
    ("GET", rf"{MODEL}/version", "release"),
    ("GET", "/metrics", "prometheus"),
    ("GET", r"/openapi\.json", "document"),
)
PATTERNS = tuple((method, re.compile(pattern), name) for method, pattern, name in ROUTES)


@dataclass(slots=True)
class Call:
    """One request as a handler sees it."""

    model: str
    version: str | None
    request_id: str
    headers: dict[bytes, bytes]
    body: bytes
    caller: str
    arrived_us: int
    started_ns: int
    answers: str = ""  # the version that the caller is told of

    def deadline_ns(self) -> int:
        """Return by when it must be answered; 0 if nothing is said of that."""
        return deadline_of(self.headers, self.started_ns)

    def routing_key(self) -> str:
        """Return what chooses among the versions of a model that has challengers."""
        given = self.headers.get(ROUTING_HEADER)
        return routing_key(None if given is None else given.decode("latin-1"), self.request_id)


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to: the handler of each method, and the parts of the path."""

    handlers: dict[str, str]
    model: str = ""
    version: str | None = None


NOWHERE = Found({})


def find(path: str) -> Found:
    """Return what a path leads to; what can be got can be asked for with HEAD, whose body the server leaves out."""
    return _find(path) if len(path) <= LONGEST else NOWHERE


@lru_cache(maxsize=1_024)
def _find(path: str) -> Found:
    for method, pattern, name in PATTERNS:
        match = pattern.fullmatch(path)
        if match:
            parts = match.groupdict()
            handlers = {"GET": name, "HEAD": name} if method == "GET" else {method: name}
            return Found(handlers, parts.get("model") or "", parts.get("version"))
    return NOWHERE
