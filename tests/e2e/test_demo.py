"""The demo's stream, shortened: the live loop over HTTP, and the same decisions when its log is replayed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from setpoint.bootstrap.home import open_home
from setpoint.bootstrap.replaying import replay_table
from setpoint.cli.app import app
from setpoint.config import Settings, read_setpoint_file
from setpoint.demo.project import MODEL
from setpoint.demo.result import result_of
from setpoint.demo.run import run_demo
from setpoint.demo.stream import Plan
from setpoint.loop.verbs import recorded

SHORT = Plan(
    unit_since=datetime(2011, 10, 29, tzinfo=UTC),
    unit_until=datetime(2011, 11, 8, tzinfo=UTC),
    release_at=datetime(2011, 8, 15, tzinfo=UTC),
    end=datetime(2011, 11, 12, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Three months of the demo, through real servers."""
    return run_demo(tmp_path_factory.mktemp("demo") / "out", seed=0, workers=2, plan=SHORT)


def test_every_request_is_answered_and_recorded_once(ran):
    assert result_of(ran)["requests"] == {
        "sent": len(ran.stream),
        "failed": 0,
        "recorded": len(ran.stream),
        "unrecorded": 0,
    }


def test_both_planted_faults_are_mended_by_the_right_remedy(ran):
    planted = result_of(ran)["planted"]
    assert [(p["cause"], p["remedy"], p["right"]) for p in planted] == [
        ("unit", "inverse_map", True),
        ("release", "rollback", True),
    ]
    assert planted[0]["lifted"] is not None


def test_the_record_of_a_planted_fault_tells_its_course_and_becomes_a_page(
    ran, tmp_path_factory, tmp_path, monkeypatch
):
    monkeypatch.setenv("SETPOINT_HOME", str(next(tmp_path_factory.getbasetemp().glob("demo*")) / "out" / "home"))
    unit = next(i for i in ran.deployment.incidents if i.causes and i.causes[0].cause == "unit")
    page = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["incident", unit.id, "--out", str(page), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["course"]["metric"] == "MAE"
    after, before = map(datetime.fromisoformat, told["began"])
    assert after - timedelta(hours=6) <= SHORT.unit_since <= before + timedelta(hours=6)
    assert told["regained"] > 0.5
    course = [e["what"] for e in told["events"]]
    assert course[:4] == ["opened", "located", "located", "mended"]  # in a storm: its first day is like no other
    assert page.read_text().count("<svg") >= 2


def test_replaying_the_log_takes_the_same_decisions(ran, tmp_path_factory):
    out = next(tmp_path_factory.getbasetemp().glob("demo*")) / "out"
    log = recorded.records(open_home(Settings(home=out / "home")), MODEL)
    replayed = replay_table(
        read_setpoint_file(out / "project"),
        log,
        Settings(),
        every=timedelta(days=1),
        releases=[(SHORT.release_at, read_setpoint_file(out / "bad-release"))],
    )
    assert [told(d) for d in replayed.decisions] == [told(d) for d in ran.deployment.decisions]
    assert len(replayed.decisions) > 5


def told(decision):
    """What was decided and why; who asked for a release is not recorded traffic."""
    return decision.at, decision.cause, decision.subject, decision.action, decision.why
