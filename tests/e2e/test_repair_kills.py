"""The real control process, and the command that takes a repair back, are killed by SIGKILL in the middle of it."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.finding import Finding
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.value import replace

pytestmark = pytest.mark.timeout(200)
ROW = {"age": 40, "balance": 100000.0, "job": "admin"}
DELAYS_S = (0.0, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4)


def an_incident() -> Incident:
    """The balance comes in cents, as is proven; what mends it needs no person."""
    now = datetime.now(UTC)
    repair = Repair(
        id="i-map", remedy=Remedy.INVERSE_MAP, subject="balance", proof="loss 1 → 0.1",
        map=FeatureMap(id="i.map", feature="balance", scale=0.01),
    )  # fmt: skip
    alarm = Finding(
        monitor="drift", metric="drift_location", column="balance", since=now, until=now + timedelta(hours=1), rows=9,
        value=2.0, limit=1.0, alarm=True,
    )  # fmt: skip
    return Incident(
        id="i", model="campaign", status=IncidentStatus.OPEN, since=now, opened=now, subject="balance",
        findings=(alarm,), investigated=now + timedelta(hours=1), repair=repair,
        causes=(Hypothesis(cause=Cause.UNIT, weight=0.99, subject="balance"),),
    )  # fmt: skip


def control(home: Path) -> int | None:
    """The control process that runs, if one does."""
    pid = json.loads((home / "run" / "supervisor.json").read_text()).get("control")
    try:
        os.kill(pid or 0, 0) if pid else None
    except ProcessLookupError:
        return None
    return pid


def kill_when_it_acts(home: Path, until: Any) -> None:
    """Kill the control process as soon as it has written something, or after a second."""
    pid = until(lambda: control(home), 30, "a control process")
    files = [home / "live.json", home / "state.db", home / "state.db-wal"]
    seen, end = [f.stat().st_mtime_ns if f.exists() else 0 for f in files], time.monotonic() + 1.0
    while [f.stat().st_mtime_ns if f.exists() else 0 for f in files] == seen and time.monotonic() < end:
        pass
    os.kill(pid, signal.SIGKILL)
    until(lambda: control(home) not in (None, pid), 30, "another control process")


@pytest.mark.usefixtures("deployed")
def test_kill_9_in_the_middle_of_a_repair_and_of_its_undo(setpoint: Any, until: Any) -> None:
    def maps() -> list[str]:
        live = json.loads((setpoint.home / "live.json").read_text())
        return [m["id"] for m in live["models"]["campaign"]["maps"]]

    def stands() -> Any:
        return open_home(Settings(home=setpoint.home)).deployments("campaign")[0]

    def answers() -> Any:
        return setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": [ROW]})[:2]

    setpoint.environment["SETPOINT_TICK_EVERY_S"] = "0.2"
    state = open_home(Settings(home=setpoint.home)).ports.state
    setpoint.up()
    before = answers()
    with state.lease():
        state.save(replace(stands(), incidents=(an_incident(),)))
    for _ in range(4):
        kill_when_it_acts(setpoint.home, until)
        assert maps() in ([], ["i.map"])
    until(lambda: stands().incidents[0].status is IncidentStatus.MENDING and maps() == ["i.map"], 60, "the repair")
    mended = until(lambda: (now := answers()) != before and now, 30, "the workers")
    assert [m.id for m in stands().served.maps] == ["i.map"]

    for delay in DELAYS_S:
        command = [sys.executable, "-m", "setpoint", "repair", "undo", "i"]
        undo = subprocess.Popen(command, env=setpoint.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        undo.kill()
        undo.wait()
        assert answers() in (before, mended)
    if stands().incidents[0].status is IncidentStatus.MENDING:
        setpoint.run("repair", "undo", "i")
    until(lambda: maps() == [] and answers() == before, 30, "the undo")
    decided = [d.action for d in stands().decisions if d.subject == "balance"]
    assert decided == ["mend", "undo"]
