"""A server with its workers, as users run it, in a home that is there to be broken."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

SETPOINT = [sys.executable, "-m", "setpoint"]
PATIENCE_S = 120.0


class Server:
    """`setpoint` in a home of its own, which looks when it is told to: the same run each time.

    Parameters
    ----------
    home : Path
    like : Path, optional
        A home to begin with, where models are deployed already.
    """

    def __init__(self, home: Path, like: Path | None = None) -> None:
        self.home = home
        if like is not None:
            shutil.copytree(like, home)
        self.port, self.control = _free_ports()
        self._environment = {
            **os.environ,
            "SETPOINT_HOME": str(home),
            "SETPOINT_TICK_EVERY_S": "0",
            "OMP_NUM_THREADS": "1",
        }

    def __enter__(self) -> "Server":
        self.run("up", "--detach", "--port", self.port, "--control-port", self.control, "--workers", 1)
        return self

    def __exit__(self, *_: object) -> None:
        self.run("down")

    def run(self, *arguments: object) -> None:
        """Run a command; RuntimeError with what it says if it fails."""
        command = [*SETPOINT, *map(str, arguments)]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"setpoint {' '.join(map(str, arguments))}: {done.stderr.strip()}")

    def ask(self, method: str, path: str, body: object = None, *, control: bool = False) -> tuple[int, Any]:
        """Return status and decoded body."""
        port = self.control if control else self.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            raw = None if body is None else json.dumps(body).encode()
            connection.request(method, path, raw, {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def look(self) -> list[dict[str, Any]]:
        """Have the loop look, and return the incidents there are."""
        status, said = self.ask("POST", "/api/tick", {}, control=True)
        if status != 200:
            raise RuntimeError(f"a look failed: {said}")
        return list(self.ask("GET", "/api/incidents", control=True)[1]["incidents"])

    def worker(self) -> dict[str, Any]:
        """Return what the worker reports of itself."""
        return dict(json.loads((self.home / "run" / "workers" / "0.json").read_text()))

    def pid(self) -> int | None:
        """Return the process of the worker, if it answers."""
        told = self.worker()
        return int(told["pid"]) if told["ready"] else None


def wait(true: Callable[[], Any], what: str) -> float:
    """Wait until something is true, and return how many seconds that took."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > PATIENCE_S:
            raise RuntimeError(f"{what} did not come in {PATIENCE_S:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - began


def _free_ports() -> tuple[int, int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        first, second = (int(s.getsockname()[1]) for s in taken)
        return first, second
