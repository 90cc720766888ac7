"""Start and stop the real servers for the demo."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from setpoint.config import Settings
from setpoint.errors import NotReady
from setpoint.platforms.answering import answers

READY_S = 90.0
STOP_S = 30.0


@contextmanager
def serving(settings: Settings, workers: int) -> Iterator[tuple[int, int]]:
    """Run `setpoint up` on free ports; give the port of the data plane and of the control API."""
    port, control_port = _free_ports()
    log = settings.home / "up.log"
    environment = {
        **os.environ,
        "SETPOINT_HOME": str(settings.home),
        "SETPOINT_TICK_EVERY_S": str(settings.tick_every_s),
        "SETPOINT_ALERTS": "",  # its faults are planted: nobody needs to know
    }
    ports = ["--port", str(port), "--control-port", str(control_port), "--workers", str(workers)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "setpoint", "up", *ports], stdout=out, stderr=out, env=environment
        )
    try:
        _wait_until_ready(process, port, control_port, log.read_text)
        yield port, control_port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, control_port: int, said: object) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if answers("127.0.0.1", port, "/v2/health/ready") and answers("127.0.0.1", control_port, "/health"):
            return
        time.sleep(0.05)
    words = said().strip() if callable(said) else ""
    raise NotReady(f"the servers did not come up within {READY_S:.0f} s: {words or 'they said nothing'}")
