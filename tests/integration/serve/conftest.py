"""A home with real bundles (scikit-learn models, converted), and real processes that serve them."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression, LogisticRegression

from setpoint.domain.live import Served
from setpoint.domain.record import Outcome
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.platforms.files import HomeFiles
from setpoint.platforms.local import LocalPlatform
from setpoint.store.bundles import FolderBundleStore
from setpoint.store.framing import FORMAT
from setpoint.store.packing import records_in
from setpoint.store.segments import FIRST, follow, segments

NAMES = ("a", "b", "c")
SUPERVISE = """
import sys
from pathlib import Path
from setpoint.platforms.supervisor import Supervisor
home, workers, port, grpc, *control = sys.argv[1:]
grpc_port = 0 if grpc == "grpc" else None
worker = [sys.executable, "-m", "setpoint.bootstrap.worker"]
Supervisor(Path(home), worker, workers=int(workers), port=int(port), control=control or None, grpc_port=grpc_port).run()
"""


def a_schema(task=Task.REGRESSION, **changes):
    features = tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in NAMES)
    return Schema(features=features, target="y", task=task, **changes)


def add_version(home, model, version, estimator, schema):
    """Put a fitted estimator into the bundle store as a version."""
    staged = home / "staged"
    staged.mkdir(parents=True)
    onnx = to_onnx(
        estimator,
        np.zeros((1, 3), np.float32),
        options={"zipmap": False} if schema.task is Task.BINARY else None,
        target_opset=15,
    )
    (staged / "model.onnx").write_bytes(onnx.SerializeToString())
    lineage = Lineage(created=datetime.now(UTC), reason="test", artifact_sha256="", reference_sha256="")
    FolderBundleStore(home / "bundles").add(
        staged,
        ModelVersion(
            model=model, version=version, framework="sklearn", runtime="onnxruntime", artifact="model.onnx",
            schema=schema, lineage=lineage, files={},
        ),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path):
    """Versions v1 and v2 of `demand` (v2 answers 1,000 more), and `risk`, a binary model."""
    home = tmp_path / "home"
    X = np.random.default_rng(7).normal(size=(200, 3))
    y = X @ [1.0, 2.0, 3.0]
    for version, add in (("v1", 0.0), ("v2", 1_000.0)):
        add_version(home, "demand", version, LinearRegression().fit(X, y + add), a_schema())
    labels = np.where(y > 0, "yes", "no")
    schema = a_schema(Task.BINARY, classes=("no", "yes"), time="at", id="key")
    add_version(home, "risk", "v1", LogisticRegression().fit(X, labels), schema)
    return home


class Server:
    """A supervisor in a process of its own, and how to talk to what it supervises."""

    def __init__(self, home, workers=1, port=0, control=(), grpc=False):
        self.home, self.files = home, HomeFiles(home)
        with (home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISE, str(home), str(workers), str(port), "grpc" if grpc else "", *control],
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        wait_for(lambda: len(self.files.reports()) == workers and all(r.ready for r in self.files.reports().values()))
        self.port, self.grpc_port = self.files.running().port, self.files.running().grpc_port

    @property
    def platform(self):
        return LocalPlatform(self.home)

    def serve(self, **served):
        for model, how in served.items():
            how = how if isinstance(how, Served) else Served(champion=how)
            self.platform.apply(self.platform.live().having(model, how))

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method, path, body=None, headers=None):
        """Return status, headers and decoded body."""
        connection = self.connect()
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            connection.request(method, path, raw, headers or {})
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        is_json = response.headers["content-type"] == "application/json"
        return response.status, response.headers, json.loads(text) if is_json else text.decode()

    def records(self, model="demand"):
        return [record for path in paths(self.home, model, ".seg") for record in recorded_in(path)]

    def outcomes(self, model):
        return [o for p in payloads(self.home, model, ".out") for o in msgspec.msgpack.decode(p, type=list[Outcome])]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def paths(home, model, suffix):
    return segments(Path(home) / "spool" / model, suffix)


def payloads(home, model, suffix):
    """Return every whole frame that the spool holds for a model."""
    return [payload for path in paths(home, model, suffix) for _, payload in frames(path)]


def frames(path):
    at, found = FIRST, []
    while True:
        scan = follow(path, at, mend=False).scan
        found += scan.frames
        if scan.end == at:
            return found
        at = scan.end


def recorded_in(path):
    """Return the records of a segment with their columns by name."""
    found = records_in(frames(path), FORMAT, None)
    return [by_name(record, found.layout, path.parent.name) for record in found.records]


def by_name(record, layout, model):
    n = len(record.ids) or 1
    fields = {name: getattr(record, name) for name in record.__struct_fields__} | {"model": model}
    for group in ("inputs", "outputs"):
        flat = fields[group]
        columns = [flat[at : at + n] for at in range(0, len(flat), n)]
        fields[group] = dict(zip(getattr(layout, group), columns, strict=True)) if flat else {}
    return SimpleNamespace(**fields)


def wait_for(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture
def start(home):
    """Start a supervisor on the home; it is stopped at the end."""
    started = []

    def start(**options):
        started.append(Server(home, **options))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def wait():
    return wait_for
