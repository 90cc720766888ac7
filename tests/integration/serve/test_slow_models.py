"""A slow native model beside a fast one on one worker: it delays nobody, and its process may die."""

import json
import os
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.platforms.files import alive
from setpoint.store.bundles import FolderBundleStore

MODULE = """
import time

class Slow:
    def predict(self, X):
        time.sleep(0.5)
        return X.sum(axis=1)
"""


@pytest.fixture
def server(home, start, tmp_path, monkeypatch):
    (tmp_path / "slowly.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(tmp_path)
    import slowly

    staged = home / "staged"
    staged.mkdir()
    joblib.dump(slowly.Slow(), staged / "m.joblib")
    features = tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in "abc")
    lineage = Lineage(created=datetime.now(UTC), reason="test", artifact_sha256="", reference_sha256="")
    FolderBundleStore(home / "bundles").add(
        staged,
        ModelVersion(
            model="slow", version="v1", framework="sklearn", runtime="native", artifact="m.joblib",
            schema=Schema(features=features, target="y", task=Task.REGRESSION), lineage=lineage, files={},
        ),
    )  # fmt: skip
    server = start()
    server.serve(demand="v1", slow="v1")
    return server


def children(pid):
    return [int(c) for task in Path(f"/proc/{pid}/task").iterdir() for c in (task / "children").read_text().split()]


class Client(threading.Thread):
    """Asks one row after the other on one connection, until it is enough; keeps statuses, answers and seconds."""

    def __init__(self, server, model, enough):
        super().__init__()
        self.server, self.path, self.enough = server, f"/v1/models/{model}:predict", enough
        self.statuses, self.seconds, self.wrong, self.ids = Counter(), [], [], []

    def run(self):
        connection, i = self.server.connect(), 0
        while not self.enough.is_set():
            i += 1
            row, started = [i, i % 7, 0], time.perf_counter()
            connection.request("POST", self.path, json.dumps({"instances": [row]}))
            response = connection.getresponse()
            body = json.loads(response.read())
            self.seconds.append(time.perf_counter() - started)
            self.statuses[response.status] += 1
            self.ids.append((response.headers["x-request-id"], response.status))
            expected = row[0] + 2 * row[1] if "demand" in self.path else sum(row)
            if response.status == 200 and abs(body["predictions"][0] - expected) > 1e-2:
                self.wrong.append((row, body))
        connection.close()


def test_a_slow_model_delays_nobody_and_its_process_may_die(server, wait):
    enough = threading.Event()
    (worker,) = server.files.running().workers
    (child,) = children(worker)
    slow = [Client(server, "slow", enough) for _ in range(8)]
    fast = Client(server, "demand", enough)
    for client in (*slow, fast):
        client.start()
    wait(lambda: sum(c.statuses[200] for c in slow) > 16)
    os.kill(child, signal.SIGKILL)
    wait(lambda: children(worker) not in ([], [child]))
    before = sum(c.statuses[200] for c in slow)
    wait(lambda: sum(c.statuses[200] for c in slow) > before + 16)
    enough.set()
    for client in (*slow, fast):
        client.join()
    (again,) = children(worker)
    assert again != child
    assert server.files.running().workers == (worker,)
    assert [c.wrong for c in (*slow, fast)] == [[]] * 9
    assert np.quantile(fast.seconds, 0.99) < 0.1
    assert set(fast.statuses) == {200}
    assert set().union(*(c.statuses for c in slow)) <= {200, 429}  # no row ended it: all are asked again; 429 meanwhile

    assert server.stop() == 0
    wait(lambda: not alive(again))
    recorded = {r.request_id: r.status for r in server.records("slow")}
    assert recorded == {id_: status for c in slow for id_, status in c.ids if status != 429}
    assert {r.request_id: r.status for r in server.records()} == dict(fast.ids)


def test_what_waits_when_the_worker_is_told_to_stop_is_answered(server, wait):
    """The run under way and those behind it, before the worker ends; its child goes with it."""
    (worker,) = server.files.running().workers
    (child,) = children(worker)
    answers = []
    asking = [threading.Thread(target=lambda: answers.append(ask(server)[0])) for _ in range(4)]
    for thread in asking:
        thread.start()
        time.sleep(0.05)
    assert server.stop() == 0
    for thread in asking:
        thread.join()
    assert answers == [200] * 4
    wait(lambda: not alive(child))


def ask(server):
    return server.ask("POST", "/v1/models/slow:predict", {"instances": [[1, 2, 3]]})


def test_the_process_of_a_version_that_is_no_longer_served_ends(server, wait):
    (worker,) = server.files.running().workers
    (child,) = children(worker)
    assert ask(server)[0] == 200
    live = server.platform.live()
    server.platform.apply(type(live)(generation=live.generation + 1, models={"demand": live.models["demand"]}))
    wait(lambda: not alive(child))
    assert children(worker) == []
