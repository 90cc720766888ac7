"""What `setpoint update receipts` prints."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from setpoint.cli.updating.receipts import receipts
from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.live import Served
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.update import Method
from setpoint.store.state import SqlStateStore

AT = datetime(2026, 3, 1, tzinfo=UTC)
PROMOTED = Rollout(
    candidate=Candidate(version="v2", champion="v1", reason="", created=AT, expected=Gain(mean=4.0, low=1.0, high=7.0),
                        seconds=12.0, method=Method.CONTINUE),
    phase=Phase.PROMOTED, ended=AT,
    receipt=Receipt(at=AT, realised=Gain(mean=3.0, low=2.0, high=4.0, rows=168), loss=40.0,
                    alternatives={"stay": 43.0, "same as last": 38.5}),
)  # fmt: skip
FRESH = Rollout(candidate=Candidate(version="v3", champion="v2", reason="", created=AT), phase=Phase.REJECTED, ended=AT)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SETPOINT_HOME", str(tmp_path))
    monkeypatch.setattr("setpoint.cli.updating.receipts.console", Console(width=80))
    deployment = Deployment(
        model="demand", source="", served=Served(champion="v2"), envelope=Envelope(), objectives=(),
        releases=(Release(version="v1", at=AT, by="ann"),), rollouts=(PROMOTED, FRESH),
    )  # fmt: skip
    SqlStateStore(f"sqlite:///{tmp_path / 'state.db'}").save(deployment)
    return tmp_path


def printed(*arguments: str) -> str:
    import typer

    app = typer.Typer()
    app.command()(receipts)
    ran = CliRunner().invoke(app, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_each_update_says_what_was_promised_and_what_came_on_a_terminal_of_80_columns(home: Path) -> None:
    lines = printed("demand").splitlines()
    assert lines[:-2] == [
        "v2: continue, promoted, trained in 12 s",
        "  expected 4 (1 to 7), the gate measured –",
        "  won 3 (2 to 4) on 168 rows",
        "  better had been: same as last, by 1.5",
        "v3: refit, rejected",
        "  expected –, the gate measured –",
        "  what it won is not measured yet",
    ]


def test_the_same_in_data(home: Path) -> None:
    first, second = json.loads(printed("demand", "--json"))["receipts"]
    assert (first["version"], first["method"], first["regret"]) == ("v2", "continue", 1.5)
    assert first["realised"] == {"mean": 3.0, "low": 2.0, "high": 4.0, "rows": 168}
    assert second["realised"] is None
