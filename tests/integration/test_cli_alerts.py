"""The commands about telling people, on a state of the test's own."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from setpoint.cli.app import app
from setpoint.config import Settings
from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.live import Served
from setpoint.domain.notice import Channel, Telling
from setpoint.store.state import SqlStateStore

NOW = datetime.now(UTC)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, hook: Any) -> Any:
    """Return a function: what a command prints, where one incident is open and one channel failed."""
    monkeypatch.setenv("SETPOINT_ALERTS", f"{hook.address}/a {hook.address}/fail/s3cretTOKEN")
    monkeypatch.setenv("COLUMNS", "300")
    incident = Incident(
        id="demand-1", model="demand", status=IncidentStatus.OPEN, since=NOW, opened=NOW, subject="temp", findings=()
    )
    failing = Channel(name="${SETPOINT_ALERTS} #2", failed=NOW, why="error=500")
    SqlStateStore(Settings().state_url).save(
        Deployment(
            model="demand",
            source="",
            served=Served(champion="v1"),
            envelope=Envelope(),
            objectives=(),
            releases=(Release(version="v1", at=NOW - timedelta(days=1), by="ann"),),
            incidents=(incident,),
            telling=Telling(channels=(failing,)),
        )
    )

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_a_test_alert_says_of_each_channel_whether_it_arrived(run: Any, hook: Any) -> None:
    said = run("incidents", "test-alert", "demand", code=1)
    assert "${SETPOINT_ALERTS}: taken" in said
    assert "${SETPOINT_ALERTS} #2: not taken" in said
    assert "s3cretTOKEN" not in said
    assert len(hook.posts) == 2


def test_a_channel_that_fails_is_seen_in_the_status(run: Any) -> None:
    assert "Alerts do not reach ${SETPOINT_ALERTS} #2: error=500" in run("status")
    (deployment,) = json.loads(run("status", "--json"))["deployments"]
    assert deployment["alerts"]["channels"][0]["failing"]


def test_an_incident_is_acknowledged(run: Any) -> None:
    assert "demand-1 is acknowledged by ann" in run("incidents", "ack", "demand-1", "--by", "ann")
    assert "demand-1  open, known to ann" in run("incidents", "demand")
    assert json.loads(run("incidents", "--json"))["incidents"][0]["acknowledged_by"] == "ann"


def test_a_silence_is_made_shown_and_lifted(run: Any) -> None:
    (made,) = json.loads(run("incidents", "silence", "demand", "--for", "2h", "--why", "known", "--json"))["silences"]
    assert "known" in run("incidents", "silences")
    assert "is lifted" in run("incidents", "lift", made["id"])
    assert "No silence is in force" in run("incidents", "silences", "demand")
