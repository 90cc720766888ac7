"""A rollout under load whose processes are killed at each step: no request fails, and it ends as it should."""

import http.client
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.timeout(300)
ROLLOUT = """
rollout:
  steps: [0, {share: 30%, least: 1h}]
  least: 1s
  requests: 20
"""
SHARES = ({}, {"v2": 0.3})


class Client(threading.Thread):
    """Asks until it is told to stop; a connection that a kill broke is opened again, and its request asked again."""

    def __init__(self, port: int, bodies: list[str]) -> None:
        super().__init__()
        self.port, self.bodies, self.stop = port, bodies, threading.Event()
        self.answered, self.broken, self.failed = 0, 0, list[Any]()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.wait(0.004):
            try:
                connection.request("POST", "/v1/models/campaign:predict", self.bodies[self.answered % len(self.bodies)])
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self.broken += 1
                continue
            self.answered += 1
            if answer.status != 200:
                self.failed.append((answer.status, said))
        connection.close()


class Watcher(threading.Thread):
    """Reads what is to be served again and again, and keeps what is no step of the rollout."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.file, self.stop, self.odd = home / "live.json", threading.Event(), list[Any]()

    def run(self) -> None:
        while not self.stop.wait(0.01):
            served = json.loads(self.file.read_text())["models"]["campaign"]
            alone = served["champion"] == "v2" and not served["shares"]
            if not alone and (served["champion"] != "v1" or served["shares"] not in SHARES):
                self.odd.append(served)


def pids(home: Path) -> dict[str, int]:
    """The processes that answer, by name."""
    found = {f.stem: json.loads(f.read_text()) for f in (home / "run" / "workers").glob("*.json")}
    running = json.loads((home / "run" / "supervisor.json").read_text())
    workers = {f"worker {name}": status["pid"] for name, status in found.items() if status["ready"]}
    return workers | ({"control": running["control"]} if running.get("control") else {})


def kill(home: Path, until: Callable[..., Any]) -> None:
    """Kill every process but the supervisor at once, and wait until others are in their places."""
    before = pids(home)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: (now := pids(home)).keys() == before.keys() and not {*now.values()} & {*before.values()}, 60, "all")


def of_control(setpoint: Any, path: str) -> Any:
    """What the control process answers; nothing while it starts."""
    try:
        return setpoint.ask("GET", path, control=True)[1]
    except OSError:
        return None


@pytest.mark.usefixtures("deployed")
def test_kill_9_of_all_at_each_step_fails_no_request(setpoint: Any, campaign: Path, until: Any) -> None:
    setpoint.environment["SETPOINT_TICK_EVERY_S"] = "0.5"
    setpoint.up()
    rows = pd.read_parquet(campaign / "reference.parquet").drop(columns=["call", "bought"])
    bodies = [json.dumps({"instances": [row]}) for row in json.loads(rows.to_json(orient="records"))]
    client, watcher = Client(setpoint.port, bodies), Watcher(setpoint.home)
    client.start()

    def served() -> dict[str, Any]:
        live: dict[str, Any] = json.loads((setpoint.home / "live.json").read_text())
        return dict(live["models"]["campaign"])

    try:
        watcher.start()
        (campaign / "setpoint.yaml").write_text((campaign / "setpoint.yaml").read_text() + ROLLOUT)
        setpoint.run("deploy", campaign, "--rollout")
        assert served()["shadow"] == "v2"
        kill(setpoint.home, until)
        until(lambda: served()["shares"] == SHARES[1], 60, "the second step")
        kill(setpoint.home, until)
        (view,) = until(lambda: of_control(setpoint, "/api/rollouts"))["rollouts"]
        assert (view["step"], view["share"], view["phase"]) == (2, 0.3, "canary")
        setpoint.run("rollout", "approve", "campaign", "--now")
        until(lambda: served()["champion"] == "v2", 60, "the promotion")
    finally:
        for thread in (client, watcher):
            thread.stop.set()
            thread.join()
    assert (client.failed, watcher.odd) == ([], [])
    assert client.broken > 0  # the kills were felt
    (deployment,) = until(lambda: of_control(setpoint, "/api/status"))["deployments"]
    assert (deployment["champion"], deployment["shares"]) == ("v2", {"v2": 1.0})
