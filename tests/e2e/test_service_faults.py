"""Faults of the service, on real processes: found, named, mended within the envelope, and lifted again."""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytestmark = pytest.mark.timeout(180)
MODULE = """
import numpy as np

class Predictor:
    task = "binary"
    classes = ["no", "yes"]

    def predict(self, frame):
        {bug}
        return 1 / (1 + np.exp((1000 - frame["balance"]) / 200 + (frame["age"] - 50) / 20))
"""
BUG = 'assert not (frame["age"] > 90).any(), "nobody is so old"'


@pytest.fixture
def project(setpoint: Any, campaign: Path) -> Path:
    """Two versions of a class of one's own: the second one raises for the very old."""
    text = (campaign / "setpoint.yaml").read_text().replace("campaign.joblib", "model.py:Predictor")
    (campaign / "setpoint.yaml").write_text(text)
    for bug in ("pass", BUG):
        (campaign / "model.py").write_text(MODULE.format(bug=bug))
        setpoint.run("deploy", campaign)
    return campaign


def asked(setpoint: Any, rows: pd.DataFrame) -> list[tuple[int, str | None]]:
    """Ask row by row: status and the version that answered."""
    found = []
    for row in json.loads(rows.to_json(orient="records")):
        status, _, headers = setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": [row]})
        found.append((status, headers["x-model-version"]))
    return found


def test_a_part_that_a_version_fails_on_is_answered_by_the_one_before(
    setpoint: Any, project: Path, calls: Callable[..., pd.DataFrame]
) -> None:
    setpoint.up()
    usual = calls(150, seed=1).drop(columns=["bought"])
    old = usual[:40].assign(age=95, call=[f"o{i}" for i in range(40)])
    assert {status for status, _ in asked(setpoint, usual)} == {200}
    assert asked(setpoint, old[:20]) == [(500, "v2")] * 20
    setpoint.tick()
    (incident,) = setpoint.json("incidents", "campaign")["incidents"]
    assert (incident["causes"][0]["cause"], incident["remedy"]) == ("exception", "fallback")
    assert "age from" in incident["causes"][0]["subject"]

    assert asked(setpoint, old[20:]) == [(200, "v1")] * 20
    assert asked(setpoint, usual[:3]) == [(200, "v2")] * 3
    setpoint.tick()
    (incident,) = setpoint.json("incidents", "campaign")["incidents"]
    assert incident["status"] == "held"
    assert {(r["version"], r["role"]) for r in setpoint.records("campaign")[-3:]} == {("v2", "champion")}

    setpoint.run("repair", "undo", incident["id"])
    assert asked(setpoint, old[:1]) == [(500, "v2")]


def test_a_log_that_cannot_be_written_is_told_of_and_recovers_by_itself(
    setpoint: Any, deployed: None, calls: Callable[..., pd.DataFrame], until: Callable[..., Any]
) -> None:
    """The files of the worker may not grow any more: as on a full disk, nothing can be written."""
    setpoint.up()
    rows = calls(80, seed=1).drop(columns=["bought"])
    assert {status for status, _ in asked(setpoint, rows[:40])} == {200}
    held = setpoint.home / "run" / "workers" / "0.json"
    until(lambda: json.loads(held.read_text())["load"], what="the count")  # its counters have their files now
    (segment,) = (setpoint.home / "spool" / "campaign").glob("*.seg")
    worker = json.loads((setpoint.home / "run" / "supervisor.json").read_text())["workers"][0]
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (segment.stat().st_size, before[1]))
    assert {status for status, _ in asked(setpoint, rows[40:])} == {200}
    until(lambda: (json.loads(held.read_text())["unwritten"] or {}).get("held") == 40, what="the report")
    setpoint.tick()
    (incident,) = setpoint.json("incidents", "campaign")["incidents"]
    (cause, *_), said = incident["causes"], json.dumps(incident)
    assert (cause["cause"], cause["subject"]) == ("disk", "worker 0")
    assert "40 of at most 100,000 are held in memory" in said
    assert "setpoint versions prune" in said

    resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
    until(lambda: json.loads(held.read_text())["unwritten"]["until"], what="the writing")
    assert len(setpoint.records("campaign")) == 80
    setpoint.tick()
    assert "and all are written" in json.dumps(setpoint.json("incidents", "campaign"))


def test_a_caller_who_sends_a_burst_is_named_and_held_when_a_person_says_so(
    setpoint: Any, campaign: Path, calls: Callable[..., pd.DataFrame]
) -> None:
    reference, settings = campaign / "reference.parquet", campaign / "setpoint.yaml"
    ago = pd.Timestamp.now("UTC").floor("s") - pd.Timedelta(hours=3)
    rows = pd.read_parquet(reference)
    rows.assign(at=ago - pd.to_timedelta(range(len(rows), 0, -1), "h")).to_parquet(reference, index=False)
    settings.write_text(settings.read_text() + "time: at\n")
    setpoint.run("deploy", campaign)
    setpoint.up()
    usual = calls(250, seed=1).drop(columns=["bought"])
    setpoint.predict("campaign", usual.assign(at=[f"{ago:%Y-%m-%dT%H:%M:%SZ}"] * 250))
    setpoint.tick()
    now = f"{pd.Timestamp.now('UTC'):%Y-%m-%dT%H:%M:%SZ}"
    burst = usual.iloc[[7] * 60].assign(call=[f"b{i}" for i in range(60)], at=now)
    assert {status for status, _ in asked(setpoint, burst)} == {200}
    setpoint.tick()
    found = {i["id"]: i for i in setpoint.json("incidents", "campaign")["incidents"]}
    ((id_, incident),) = ((k, i) for k, i in found.items() if "caller" in k)
    assert (incident["causes"][0]["cause"], incident["remedy"], incident["status"]) == ("attack", "throttle", "waiting")

    setpoint.run("repair", "approve", id_)
    setpoint.tick()
    statuses = [status for status, _ in asked(setpoint, burst[:12])]
    assert statuses.count(429) >= 10
    status, body, headers = setpoint.ask("POST", "/v1/models/campaign:predict", {"instances": [{}]})
    assert status == 429
    assert "throttled: your requests are held to 0.2 a second" in json.dumps(body)
    assert int(headers["retry-after"]) >= 1
    setpoint.run("repair", "undo", id_)
    assert {status for status, _ in asked(setpoint, burst[:5])} == {200}
