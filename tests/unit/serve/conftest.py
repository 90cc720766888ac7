"""Small schemas, and models of a line of NumPy that follow the runtime's shape."""

import asyncio
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from setpoint.domain.live import Served
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.serve.app import App
from setpoint.serve.form import Form
from setpoint.serve.http import Request
from setpoint.serve.metrics import Metrics
from setpoint.serve.plane import DataPlane
from setpoint.serve.table import Loaded, Table, route_of

FEATURES = (
    Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    Feature(name="hour", kind=Kind.NUMERIC, dtype=DType.INT),
    Feature(name="holiday", kind=Kind.NUMERIC, dtype=DType.BOOL),
    Feature(name="wind", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
)
SKY = Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "rain"))


class Line:
    """A regression whose answer says exactly which row it was given."""

    def __init__(self, add=0.0):
        self.add, self.calls = add, []

    def predict(self, columns):
        self.calls.append(len(columns["temp"]))
        wind = np.nan_to_num(columns["wind"], nan=-1.0)
        return {"prediction": columns["temp"] * 1_000 + columns["hour"] + columns["holiday"] / 2 + wind / 8 + self.add}


class Fragile(Line):
    """Answers NaN above 40 degrees, and raises above 50."""

    def predict(self, columns):
        if (columns["temp"] > 50).any():
            raise ZeroDivisionError("too hot")
        found = super().predict(columns)
        return {"prediction": np.where(columns["temp"] > 40, np.nan, found["prediction"])}


class Blocked(Line):
    """Waits until it is let go."""

    def __init__(self):
        super().__init__()
        self.go, self.entered = threading.Event(), threading.Event()

    def predict(self, columns):
        self.entered.set()
        assert self.go.wait(30)
        return super().predict(columns)


class Chance:
    """A binary classifier."""

    def predict(self, columns):
        p = 1 / (1 + np.exp(-columns["temp"]))
        return {"label": np.array(["no", "yes"], dtype=object)[(p > 0.5).astype(int)], "probability": p}


def by_name(record):
    """Return a record with its columns by name."""
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    for group in ("inputs", "outputs"):
        columns = getattr(record, group)
        names = getattr(record.layout, group) if columns else ()
        fields[group] = dict(zip(names, columns, strict=True))
    return SimpleNamespace(**fields)


class Tape:
    """A recorder in memory; `refusing` makes it a full disk."""

    def __init__(self):
        self.records, self.outcomes, self.appends, self.refusing = [], [], 0, False

    def append(self, records):
        if self.refusing:
            raise OSError(28, "No space left on device")
        self.appends += 1
        self.records += map(by_name, records)

    def tend(self):
        pass

    def lag_s(self):
        return 0.0

    def append_outcomes(self, model, outcomes):
        if self.refusing:
            raise OSError(28, "No space left on device")
        self.outcomes += outcomes


def a_schema(features=FEATURES, **changes):
    return Schema(
        **{"features": features, "target": "cnt", "task": Task.REGRESSION, "time": "at", "id": "key", **changes}
    )


def a_version(schema, version="v1", model="demand"):
    lineage = Lineage(created=datetime(2024, 1, 1, tzinfo=UTC), reason="test", artifact_sha256="", reference_sha256="")
    return ModelVersion(
        model=model,
        version=version,
        framework="sklearn",
        runtime="onnxruntime",
        artifact="m",
        schema=schema,
        lineage=lineage,
        files={},
    )


def a_table(model=None, shadow=None, schema=None, maps=(), name="demand", challenger=None):
    """A table with one model: v1 answers, v2 is asked aside if there is a shadow, v3 has half as a challenger."""
    schema = schema or a_schema()
    champion = Loaded(a_version(schema, "v1", name), model or Line(), Form(schema))
    aside = Loaded(a_version(schema, "v2", name), shadow, Form(schema)) if shadow else None
    other = Loaded(a_version(schema, "v3", name), challenger, Form(schema)) if challenger else None
    shares = {"v3": 0.5} if challenger else {}
    served = Served(champion="v1", shadow="v2" if shadow else None, maps=tuple(maps), shares=shares)
    return Table(1, {name: route_of(served, champion, aside, [other] if other else [])}, complete=True)


class Still:
    """A model of any schema, whose answers are always sound."""

    def __init__(self, schema):
        self.schema = schema

    def predict(self, columns):
        n = len(columns[self.schema.names[0]])
        return {name: np.array(["no"] * n, object) if name == "label" else np.zeros(n) for name in self.schema.outputs}


class Door:
    """An app without a socket; it serves `demand`, a regression on numbers, and `risk`, which has a text too."""

    def __init__(self, max_body_bytes=1 << 16):
        schemas = {
            "demand": a_schema(),
            "risk": a_schema((*FEATURES, SKY), task=Task.BINARY, classes=("no", "yes")),
        }
        tables = [a_table(Still(schema), schema=schema, name=name) for name, schema in schemas.items()]
        self.tape, self.metrics = Tape(), Metrics()
        self.plane = DataPlane(self.tape, self.metrics)
        self.plane.table = Table(1, tables[0].routes | tables[1].routes, complete=True)
        self.app = App(self.plane, max_body_bytes=max_body_bytes)
        self.runner = asyncio.Runner()

    def ask(self, method, path, body=b"", headers=()):
        """Return status, headers and body."""
        reply = self.runner.run(answer_of(self.app, Request(method, path, dict(headers), body, "10.0.0.1")))
        return reply.status, headers_of(reply), reply.body

    async def asgi(self, scope, receive, send):
        """Ask as an ASGI server would, for tools that speak it."""
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        reply = await answer_of(self.app, Request(scope["method"], scope["path"], dict(scope["headers"]), body, ""))
        await send({"type": "http.response.start", "status": reply.status, "headers": list(headers_of(reply).items())})
        await send({"type": "http.response.body", "body": reply.body})


async def answer_of(app, request):
    """Return what an app answers."""
    answered = asyncio.get_running_loop().create_future()
    app(request, answered.set_result)
    return await answered


def headers_of(reply):
    return dict(line.split(b": ", 1) for line in reply.head().split(b"\r\n")[:-1])


@pytest.fixture
def door():
    door = Door()
    with door.runner:
        yield door


@pytest.fixture(scope="session")
def make():
    """The makers of this file, for tests cannot import a conftest."""

    class Make:
        line, fragile, blocked, chance, tape = Line, Fragile, Blocked, Chance, Tape
        schema, version, table = staticmethod(a_schema), staticmethod(a_version), staticmethod(a_table)
        features, sky = FEATURES, SKY
        answer, headers = staticmethod(answer_of), staticmethod(headers_of)

    return Make


@pytest.fixture
def form():
    return Form(a_schema())


@pytest.fixture
def mixed():
    """A form with a categorical feature, whose time and id columns may come along."""
    return Form(a_schema((*FEATURES[:2], SKY)))
