"""What the commands of `setpoint rollout` take and show."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from setpoint.cli.rollouts import app, going, standing
from setpoint.cli.rollouts.steps import course_of
from setpoint.domain import canary
from setpoint.domain.course import USUAL, Course, Rolling, Step
from setpoint.domain.envelope import Envelope
from setpoint.domain.evidence import Judged, Says, Stream, Terms
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.live import Served
from setpoint.domain.rollout import Candidate, Rollout
from setpoint.domain.schema import DType, Feature, Kind
from setpoint.domain.slice import Only
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FEATURES = (
    Feature(name="plant", kind=Kind.CATEGORICAL, dtype=DType.STRING),
    Feature(name="open", kind=Kind.NUMERIC, dtype=DType.BOOL),
    Feature(name="shift", kind=Kind.NUMERIC, dtype=DType.INT),
)


def operator(*rollouts: Rollout) -> Any:
    deployment = Deployment(
        model="demand", source="", served=Served(champion="v1"), envelope=Envelope(), objectives=(),
        releases=(Release(version="v1", at=NOW, by="ann"),), rolling=Rolling(), rollouts=rollouts,
    )  # fmt: skip
    return SimpleNamespace(
        deployments=lambda model: [deployment],
        schema=lambda model: SimpleNamespace(features=FEATURES),
        clock=SimpleNamespace(now=lambda: NOW + timedelta(hours=5)),
    )


def test_a_course_is_that_of_the_file_with_what_is_given() -> None:
    assert course_of(operator(), "demand", None, None, None, None, None) == Course(steps=USUAL)
    given = course_of(
        operator(), "demand", "0,1%,0.5", "2h", 90, ["plant=north", "open=true", "shift=2", "shift=3"], ["me"]
    )
    assert given.steps == tuple(Step(share=s, least_s=7_200, least_requests=90) for s in (0.0, 0.01, 0.5))
    assert given.only == Only(segment={"plant": ("north",), "open": (True,), "shift": (2.0, 3.0)}, callers=("me",))


@pytest.mark.parametrize(
    ("steps", "segment", "said"),
    [
        ("5%,5%", None, "--steps 5%,5%: expected shares in rising order"),
        ("50%,100%", None, "to less than 100%"),
        ("half", None, "'half' is no share"),
        (None, ["plnt=north"], "the features are plant, open, shift"),
        (None, ["plant"], "expected FEATURE=VALUE"),
        (None, ["shift=late"], "shift holds numbers"),
    ],
)
def test_what_is_no_course_is_said(steps: str | None, segment: list[str] | None, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        course_of(operator(), "demand", steps, None, None, segment, None)


def on_its_way() -> Rollout:
    candidate = Candidate(version="v2", champion="v1", reason="", created=NOW)
    rollout = canary.stepped(canary.begun(candidate, Course(steps=USUAL), Terms(), by="ann", now=NOW), NOW)
    errors = Stream(metric="errors", rows=400, champion=0.0, challenger=0.1, low=0.02, high=0.2, harmed=True)
    quality = Stream(metric="quality", rows=0, why="no outcome came")
    judged = Judged(says=Says.BACK, reason="harm: errors", words="worse in errors", streams=(errors, quality))
    return replace(rollout, moving=replace(rollout.moving, judged=judged, requests=40, asked="may it?"))


def shown(monkeypatch: pytest.MonkeyPatch, at: Any, *arguments: str) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    for module in (standing, going):
        monkeypatch.setattr(module, "open_home", lambda settings: at)
    monkeypatch.setattr(
        "setpoint.loop.verbs.rollouts.expected", lambda *them: SimpleNamespace(words="about 3 days at this traffic")
    )
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.exception
    return " ".join(done.output.split())


def test_the_status_says_where_it_is_what_is_known_and_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing.console, "_width", 200)
    text = shown(monkeypatch, operator(on_its_way()), "status", "demand")
    for part in (
        "demand v2 against v1: step 2 of 4, 5%; 40 requests in this step",
        "shadow → ▸ 5% → 25% → 50% → champion",
        "Waits: may it?",
        "Takes about 3 days at this traffic; about 5 hours have passed",
        "The evidence says back: worse in errors",
        "errors 0 % 10 % 2 to 20 400 worse",
        "quality – – – 0 no outcome came",
    ):
        assert part in text


def test_without_a_rollout_the_status_says_how_to_begin_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "`setpoint rollout start MODEL VERSION` begins one" in shown(monkeypatch, operator(), "status")
