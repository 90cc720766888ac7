"""Workers under load: versions replaced, processes killed, hung and stopped; nothing dropped, nothing lost."""

import http.client
import json
import os
import signal
import socket
import sys
import threading
from collections import Counter

import pytest

from setpoint.domain.live import Served
from setpoint.errors import Conflict, Corrupt, Unusable
from setpoint.platforms.files import alive
from setpoint.platforms.supervisor import Supervisor


class Load(threading.Thread):
    """A client that sends one row after the other on a connection it keeps; counts what comes back."""

    def __init__(self, server, requests=None, retry=False):
        super().__init__()
        self.server, self.requests, self.retry = server, requests, retry
        self.versions, self.ids, self.problems, self.enough = Counter(), [], [], threading.Event()

    def run(self):
        connection = self.server.connect()
        while not self.enough.is_set() and (self.requests is None or len(self.ids) < self.requests):
            try:
                connection.request("POST", "/v1/models/demand:predict", json.dumps({"instances": [[1, 2, 3]]}))
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as e:
                connection.close()
                if not self.retry:
                    self.problems.append(repr(e))
                continue
            version = response.headers["x-model-version"]
            if response.status != 200:
                self.problems.append((response.status, body))
            elif abs(json.loads(body)["predictions"][0] - (14 if version == "v1" else 1_014)) > 1e-2:
                self.problems.append((version, body))
            self.versions[version] += 1
            self.ids.append(response.headers["x-request-id"])
        connection.close()


@pytest.fixture
def load():
    """Start clients; end them and look at what they saw."""
    clients = []

    def start(server, n=4, **options):
        clients.extend(Load(server, **options) for _ in range(n))
        for client in clients:
            client.start()
        return clients

    yield start
    for client in clients:
        client.enough.set()
        client.join()


def test_each_answer_has_a_line_in_the_access_log(start, home, monkeypatch):
    file = home / "access.log"
    monkeypatch.setenv("SETPOINT_ACCESS_LOG", str(file))
    server = start(workers=2)
    server.serve(demand="v1")
    for i in range(20):
        server.ask("POST", "/v1/models/demand:predict", {"instances": [[1, 2, 3]]}, {"x-request-id": f"r{i}"})
    server.stop()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    asked = [line for line in lines if line["method"] == "POST"]
    assert sorted(line["request_id"] for line in asked) == sorted(f"r{i}" for i in range(20))
    assert {(line["status"], line["version"]) for line in asked} == {(200, "v1")}


def test_replacing_a_version_under_load_drops_nothing(start, load):
    server = start(workers=2)
    server.serve(demand="v1")
    clients = load(server)
    for i in range(20):
        server.serve(demand=Served(champion=f"v{2 - i % 2}", shadow=None if i % 3 else f"v{1 + i % 2}"))
        status, headers, _ = server.ask("POST", "/v1/models/demand:predict", {"instances": [[1, 2, 3]]})
        assert (status, headers["x-model-version"]) == (200, f"v{2 - i % 2}")  # apply returned: every worker has it
    for client in clients:
        client.enough.set()
        client.join()
    assert [p for c in clients for p in c.problems] == []
    seen = sum((c.versions for c in clients), Counter())
    assert set(seen) == {"v1", "v2"}
    server.stop()
    recorded = Counter(r.request_id for r in server.records() if r.role == "champion")
    assert all(recorded[i] == 1 for c in clients for i in c.ids)


def test_kill_9_of_each_worker_loses_nothing_that_was_answered(start, load, wait):
    server = start(workers=2)
    server.serve(demand="v1")
    clients = load(server, n=4, requests=750, retry=True)
    done = lambda: sum(len(c.ids) for c in clients)  # noqa: E731
    killed = []
    for i in range(2):
        wait(lambda n=900 * (i + 1): done() >= n)
        killed.append(server.files.reports()[i].pid)
        os.kill(killed[-1], signal.SIGKILL)
        wait(lambda i=i: (now := server.files.reports().get(i)) and now.pid not in killed)
    for client in clients:
        client.join()
    assert [p for c in clients for p in c.problems] == []
    server.stop()
    recorded = Counter(r.request_id for r in server.records())
    answered = [i for c in clients for i in c.ids]
    assert len(answered) == 3_000
    assert {recorded[i] for i in answered} == {1}
    kinds = Counter((e.kind, e.worker) for e in server.platform.events())
    assert kinds == {("crash", 0): 1, ("restart", 0): 1, ("crash", 1): 1, ("restart", 1): 1}
    crash = next(e for e in server.platform.events() if e.kind == "crash")
    assert crash.detail == f"worker 0 (pid {killed[0]}) ended: killed by SIGKILL"


def test_a_corrupt_bundle_is_refused_and_the_good_version_stays(start, home):
    server = start()
    server.serve(demand="v1")
    file = home / "bundles" / "demand" / "v2" / "model.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(
        Corrupt, match=r"worker 0 refused demand/v2: .*model.onnx differs from its digest.*served again"
    ):
        server.serve(demand="v2")
    assert server.platform.live().models["demand"] == Served(champion="v1")
    assert server.ask("POST", "/v1/models/demand:predict", {"instances": [[1, 2, 3]]})[1]["x-model-version"] == "v1"


@pytest.mark.slow
def test_a_hung_worker_is_killed_and_started_again(start, wait):
    server = start()
    server.serve(demand="v1")
    pid = server.files.reports()[0].pid
    os.kill(pid, signal.SIGSTOP)
    wait(lambda: [e.kind for e in server.platform.events()] == ["hang", "restart"])
    wait(lambda: (now := server.files.reports().get(0)) and now.ready)
    assert server.ask("POST", "/v1/models/demand:predict", {"instances": [[1, 2, 3]]})[0] == 200
    assert "was not heard of for 10 s; killed" in server.platform.events()[0].detail


def test_a_control_process_that_crashes_disturbs_no_worker(start, wait):
    server = start(control=(sys.executable, "-c", "import sys; sys.exit(3)"))
    server.serve(demand="v1")
    pids = server.files.running().workers
    wait(lambda: sum(e.kind == "crash" for e in server.platform.events()) >= 3)
    crash = server.platform.events()[0]
    assert (crash.worker, crash.detail.endswith("ended: exit code 3")) == (-1, True)
    assert server.files.running().workers == pids
    assert len({e.id for e in server.platform.events()}) == len(server.platform.events())


def test_sigterm_finishes_what_is_under_way(start, load, wait):
    """Every request that reached a worker is answered and recorded, its shadow too; no process stays behind."""
    server = start(workers=2)
    server.serve(demand=Served(champion="v1", shadow="v2"))
    clients = load(server, n=2, retry=True)
    wait(lambda: sum(len(c.ids) for c in clients) > 200)
    pids = server.files.running().workers
    for client in clients:
        client.enough.set()
        client.join()
    assert server.stop() == 0
    assert not any(alive(pid) for pid in pids)
    assert server.files.running() is None
    roles = Counter(r.role for r in server.records())
    assert roles["champion"] == roles["shadow"] == sum(len(c.ids) for c in clients)


def test_workers_end_when_their_supervisor_is_killed(start, wait):
    server = start()
    (pid,) = server.files.running().workers
    server.process.kill()
    server.process.wait()
    wait(lambda: not alive(pid))
    assert server.files.running() is None  # the file is still there, and recognised as stale
    again = start()
    assert again.ask("GET", "/v2/health/ready")[0] == 200


def test_a_port_in_use_is_said(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            Unusable, match=rf"port {port} is in use .*: choose another with --port or stop what listens"
        ):
            Supervisor(home, ["true"], port=port).run()
    assert not (home / "run" / "supervisor.json").exists()


def test_a_grpc_port_in_use_is_said_even_by_one_who_would_share_it(home):
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            Unusable, match=rf"port {port} is in use .*: choose another with --grpc-port or stop what listens"
        ):
            Supervisor(home, ["true"], port=0, grpc_port=port).run()
    assert not (home / "run" / "supervisor.json").exists()


def test_a_second_supervisor_on_the_same_home_is_refused(home, start):
    server = start()
    expected = (
        rf"setpoint is up on .* already \(pid {server.process.pid}, port {server.port}\); `setpoint down` stops it"
    )
    with pytest.raises(Conflict, match=expected):
        Supervisor(home, ["true"]).run()


def test_a_home_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match="file/run cannot be written: Not a directory; set SETPOINT_HOME to another"):
        Supervisor(tmp_path / "file", ["true"]).run()


def test_workers_come_and_go_as_is_asked_for_and_nothing_is_dropped(start, load, wait):
    server = start(workers=1)
    server.serve(demand="v1")
    first = server.files.running().workers
    clients = load(server, n=2, retry=True)
    server.serve(demand=Served(champion="v1", workers=3))
    wait(lambda: len(server.platform.reports()) == 3)
    assert first[0] in server.files.running().workers
    server.serve(demand="v1")
    wait(lambda: server.files.running().workers == first)
    assert set(server.platform.reports()) == {0}
    wait(lambda: all(len(c.ids) > 50 for c in clients))
    assert [p for c in clients for p in c.problems] == []
    assert server.platform.events() == []  # nobody has crashed
    wait(lambda: sum(m.requests for m in server.platform.reports()[0].load) > 50)


def test_a_worker_starts_anew_when_that_is_asked_for_and_nothing_is_dropped(start, load, wait):
    server = start(workers=2)
    server.serve(demand="v1")
    before = server.files.running().workers
    clients = load(server, n=2, retry=True)
    wait(lambda: all(len(c.ids) > 50 for c in clients))
    server.platform.restart(0)
    wait(lambda: [e.kind for e in server.platform.events()] == ["restart"])
    wait(lambda: (now := server.platform.reports().get(0)) and now.pid != before[0] and now.ready)
    assert before[1] in server.files.running().workers
    assert server.platform.reports()[1].resident
    assert [p for c in clients for p in c.problems] == []
