"""Incidents of a running deployment reach people, and so does their end."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import yaml


def with_alerts(project: Path, **alerts: Any) -> Path:
    file = project / "setpoint.yaml"
    file.write_text(file.read_text() + yaml.safe_dump({"alerts": alerts}))
    return project


def titles(hook: Any) -> list[str]:
    return [body["title"] for _, body in hook.posts]


def test_a_crash_is_told_with_its_cause_and_so_is_its_end(setpoint: Any, campaign: Path, hook: Any, until: Any) -> None:
    setpoint.environment |= {"HOOK": f"{hook.address}/s3cretTOKEN"}
    setpoint.run("deploy", with_alerts(campaign, to="${HOOK}", remind="1h"))
    setpoint.up()
    setpoint.tick()
    assert setpoint.json("incidents", "test-alert", "campaign") == {
        "channels": [{"channel": "${HOOK}", "arrived": True, "why": ""}]
    }
    worker = json.loads((setpoint.home / "run" / "workers" / "0.json").read_text())["pid"]
    os.kill(worker, signal.SIGKILL)
    until(lambda: setpoint.ask("GET", "/v2/health/ready")[0] == 200 and "crash" in events(setpoint.home))
    until(lambda: setpoint.tick() is not None and titles(hook)[-1] == "[recovered] campaign: crash of worker 0")
    assert "Likely cause: crash of worker 0" in hook.posts[-1][1]["message"]
    assert len(hook.posts) < 4  # the crash may have been told before its restart was seen
    everything = b"".join(p.read_bytes() for p in setpoint.home.rglob("*") if p.is_file())
    assert b"s3cretTOKEN" not in everything


def events(home: Path) -> str:
    file = home / "run" / "events.jsonl"
    return file.read_text() if file.exists() else ""


def test_an_address_that_cannot_be_used_is_refused_at_deploy(setpoint: Any, campaign: Path) -> None:
    with_alerts(campaign, to=["json://me:s3cretTOKEN@example.com"])
    said = setpoint.says("deploy", campaign)
    assert "secret written out" in said
    assert "s3cretTOKEN" not in said
