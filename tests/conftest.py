"""What every test shares: markers by folder, a home of its own, property tests that a busy machine does not upset."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

# Two pytest processes share two cores, and many threads on few rows only wait for each other. Said before anything
# brings in NumPy or scikit-learn, which read it once.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Hundreds of processes are started. Without bytecode on disk each would compile four hundred modules, half a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

TESTS = Path(__file__).parent
MARKED_FOLDERS = ("integration", "e2e")
E2E_S = 300  # one test starts a dozen processes, on a machine that may do other things as well
# `make test` keeps a file in one process: one of minutes that began last would leave the other core idle.
LONGEST_FIRST = (
    "test_zoo.py", "test_poison.py", "test_fault_bench.py", "test_deploy_keras.py", "test_demo.py", "test_training.py",
    "test_record_log_faults.py",
    "test_keras.py", "test_trainers.py", "test_importers.py", "test_running.py", "test_records.py",
    "test_record_log_crash.py", "test_deploy_package.py", "test_loop_crash.py", "test_kill.py", "test_prometheus.py",
    "test_loop_classes.py", "test_whole_path.py", "test_workers.py",
)  # fmt: skip

# A shared runner can stall for a second at any moment, so one example has no deadline; the test's own timeout holds.
settings.register_profile("setpoint", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("setpoint")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by folder, so that `-m "not e2e"` needs no mark in each file; put long files first."""
    for item in items:
        for folder in MARKED_FOLDERS:
            if item.path.is_relative_to(TESTS / folder):
                item.add_marker(folder)
        if item.get_closest_marker("e2e") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(E2E_S))
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(autouse=True)
def _home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test out of the developer's own state, and the developer's settings out of every test."""
    monkeypatch.setenv("SETPOINT_HOME", str(tmp_path / "setpoint-home"))
    monkeypatch.delenv("SETPOINT_STATE", raising=False)
    monkeypatch.delenv("SETPOINT_KEY", raising=False)
    monkeypatch.delenv("SETPOINT_ALERTS", raising=False)
    monkeypatch.delenv("SETPOINT_SIGNATURES", raising=False)
    monkeypatch.delenv("SETPOINT_TRUSTED_KEYS", raising=False)


class Hook:
    """A server that notes what it is posted; on `/fail…` it answers 500, on `/hang…` it does not answer."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, Any]] = []
        self.stop = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path.startswith("/hang"):
                    hook.stop.wait(30)
                hook.posts.append((self.path, json.loads(body)))
                self.send_response(500 if self.path.startswith("/fail") else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"json://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.close()


@pytest.fixture(scope="session")
def postgres() -> str:
    """URL of an empty database of this process alone, on the server that SETPOINT_TEST_POSTGRES names."""
    server = os.environ.get("SETPOINT_TEST_POSTGRES")
    if not server:
        pytest.skip("SETPOINT_TEST_POSTGRES names no server")
    name = f"setpoint_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(sa.text(f"drop database if exists {name} with (force)"))
        db.execute(sa.text(f"create database {name}"))
    engine.dispose()
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Return a function: where a program of another project is; without it a test is skipped, but not in CI."""

    def program(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            why = f"{name} is not installed: apt-get install prometheus prometheus-alertmanager"
            (pytest.fail if os.environ.get("PROMETHEUS_NEEDED") else pytest.skip)(why)
        return found

    return program
