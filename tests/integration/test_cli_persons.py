"""The commands by which a person takes part, on a state of the test's own."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setpoint.cli.app import app
from setpoint.config import Settings
from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Day, Deployment, Release
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.owner import Owner, Owners
from setpoint.store.people import FILE
from setpoint.store.state import SqlStateStore

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function: what a command prints, where one incident waits for a person."""
    monkeypatch.setenv("COLUMNS", "300")
    incident = Incident(
        id="demand-1",
        model="demand",
        status=IncidentStatus.WAITING,
        since=NOW - 3 * HOUR,
        opened=NOW - 2 * HOUR,
        subject="temp",
        findings=(),
        causes=(Hypothesis(cause=Cause.SWAPPED, weight=0.9, subject="temp"),),
        repair=Repair(id="r", remedy=Remedy.SWAP_BACK, subject="temp", proof="MAE 9 → 1"),
    )
    SqlStateStore(Settings().state_url).save(
        Deployment(
            model="demand",
            source="",
            served=Served(champion="v1"),
            envelope=Envelope(),
            objectives=(Objective(metric="mae", at_most=1.0),),
            releases=(Release(version="v1", at=NOW - timedelta(days=1), by="ann"),),
            incidents=(incident,),
            owners=Owners(owners=(Owner(name="weather team", features=("temp",)),)),
            days=(Day(start=NOW - 9 * HOUR, until=NOW, held_s={"mae": 3 * 3600.0}, off_s={"mae": 3600.0}),),
        )
    )

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, done.output
        return done.output

    return run


def incident(run: Any) -> Any:
    (found,) = json.loads(run("incidents", "--json"))["incidents"]
    return found


def test_a_person_refuses_takes_over_and_gives_back(run: Any) -> None:
    assert "refuse temp: the vendor mends it" in run(
        "repair", "refuse", "demand-1", "--by", "ann", "--why", "the vendor mends it"
    )
    assert [(r["by"], r["why"]) for r in incident(run)["refused"]] == [("ann", "the vendor mends it")]
    run("repair", "take", "demand-1", "--by", "bob")
    assert incident(run)["handled_by"] == "bob"
    assert "demand-1  open, weather team sees to it, taken over by bob" in run("incidents")
    run("repair", "give-back", "demand-1", "--by", "cleo")
    events = [(e["what"], e["by"]) for e in incident(run)["events"]]
    assert events == [("refused", "ann"), ("taken over", "bob"), ("given back", "cleo")]


def test_reliability_is_told(run: Any) -> None:
    said = " ".join(run("reliability", "demand", "--days", "30").split())
    assert "mae: at set point 75.0 % of 4 h" in said
    assert (
        "0 actions without a person, 0 of them false, within the 0.16 that the envelope allows in such a period" in said
    )
    (told,) = json.loads(run("reliability", "--json"))["reliability"]
    assert [(t["cause"], t["incidents"], t["detect"]["median_s"]) for t in told["times"]] == [
        ("all", 1, 3600.0),
        ("swapped", 1, 3600.0),
    ]


def test_people_are_given_keys_that_are_shown_once(run: Any) -> None:
    made = json.loads(run("people", "add", "ann", "--role", "operator", "--model", "demand", "--json"))
    key = made.pop("key")
    assert made == {"name": "ann", "role": "operator", "models": ["demand"]}
    assert key not in run("people", "list")
    (listed,) = json.loads(run("people", "list", "--json"))["people"]
    assert {name: listed[name] for name in made} == made
    run("people", "add", "bob", "--model", "De mand", code=1)
    assert key not in (Path(Settings().home) / FILE).read_text()
    assert "ann has no key any more" in run("people", "remove", "ann")
    assert "Nobody has a key" in run("people", "list")
