"""When a training is due, and the words for when it is not."""

from datetime import UTC, datetime

import numpy as np
import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.fleet import Deployment, Standing
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, Verdict
from setpoint.domain.value import replace
from setpoint.update.schedule import doublings
from setpoint.update.when import due, held_back, off_set_point, too_few

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TARGET = Objective(metric="mae", at_most=40.0)


def standing(value: float) -> Standing:
    return Standing(objective=TARGET, value=value, rows=168, at_set_point=TARGET.met_by(value))


def a_deployment(**changes: object) -> Deployment:
    """A deployment below its set point, with nothing else the matter."""
    deployment = Deployment(
        model="demand", source="", served=Served(champion="v1"), envelope=Envelope(),
        objectives=(TARGET,), releases=(), standings=(standing(55.0),),
    )  # fmt: skip
    return replace(deployment, **changes)


def labelled(rows: int, *, error: float = 50.0) -> Records:
    """Hourly rows up to now, their outcomes an hour late, each missed by `error`."""
    time = stamp(NOW) - np.arange(rows, 0, -1) * np.timedelta64(1, "h")
    outcome = 100.0 + np.arange(rows) % 17
    return Records(
        id=np.array([str(i) for i in range(rows)], object), time=time, version=np.full(rows, "v1", object),
        score=outcome + error, outcome=outcome, known=time + np.timedelta64(1, "h"), latency_us=np.zeros(rows),
        maps=np.full(rows, "", object), inputs={},
    )  # fmt: skip


def a_rollout(phase: Phase, gain: float = -1.0) -> Rollout:
    gate = Verdict(decision=Decision.REJECT, rows=300, champion_loss=9.0, candidate_loss=9.0 - gain, gain=gain,
                   low=gain - 2, high=gain + 2)  # fmt: skip
    return Rollout(candidate=Candidate(version="v2", champion="v1", reason="", created=NOW, gate=gate), phase=phase)


def an_incident(cause: Cause, status: IncidentStatus) -> Incident:
    hypothesis = Hypothesis(cause=cause, weight=0.9, subject="temp")
    return Incident(id="i1", model="demand", status=status, since=NOW, opened=NOW, subject="temp", findings=(),
                    causes=(hypothesis,))  # fmt: skip


def refused(deployment: Deployment, rows: Records) -> str:
    return held_back(deployment, rows, NOW)


def test_the_newest_half_is_held_out() -> None:
    rows = labelled(400)
    plan = due(rows, now=NOW, cause="mae 55 is off its set point 40")
    assert plan.reason == "mae 55 is off its set point 40; no data fault is open; 400 new labelled rows"
    assert plan.since < plan.holdout_since < plan.until == NOW
    assert plan.since == moment(rows.time[0])
    assert len(rows.between(plan.holdout_since, plan.until)) == plan.holdout_rows == 200


def test_quality_below_the_set_point_is_a_reason_and_latency_is_none() -> None:
    assert off_set_point(a_deployment().standings, ()) == ["mae 55 is off its set point 40"]
    assert off_set_point((standing(30.0),), ()) == []
    slow = Objective(metric="latency_p99_ms", at_most=20.0)
    off = Standing(objective=slow, value=90.0, rows=1_000, at_set_point=False)
    assert off_set_point((off,), ()) == []
    one = Standing(objective=TARGET, value=176.0, rows=1, at_set_point=False)
    assert off_set_point((one,), ()) == []


def test_each_candidate_that_was_no_better_doubles_the_wait_and_a_promotion_ends_it() -> None:
    worse, unsure, promoted = a_rollout(Phase.REJECTED), a_rollout(Phase.REJECTED, 1.0), a_rollout(Phase.PROMOTED)
    history: list[tuple[tuple[Rollout, ...], int]] = [
        ((), 0), ((worse,), 1), ((worse,) * 2, 2), ((worse,) * 9, 3),
        ((worse, promoted), 0), ((promoted, worse), 1), ((unsure,) * 9, 0), ((unsure, worse, unsure), 1),
    ]  # fmt: skip
    for rollouts, times in history:
        assert doublings(a_deployment(rollouts=rollouts)) == times


def test_two_changes_never_run_at_once() -> None:
    assert "rollout of v2 is under way" in refused(a_deployment(rollouts=(a_rollout(Phase.SHADOW),)), labelled(400))


def test_an_open_data_fault_comes_first() -> None:
    broken = a_deployment(incidents=(an_incident(Cause.UNIT, IncidentStatus.OPEN),))
    assert refused(broken, labelled(400)) == "incident i1 (unit: temp) comes first"


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (Cause.UNIT, IncidentStatus.HELD),
        (Cause.UNIT, IncidentStatus.CLOSED),
        (Cause.CONCEPT, IncidentStatus.OPEN),
        (Cause.UNKNOWN, IncidentStatus.OPEN),
    ],
)
def test_mended_faults_and_real_change_do_not_hold_a_training_back(cause: Cause, status: IncidentStatus) -> None:
    assert refused(a_deployment(incidents=(an_incident(cause, status),)), labelled(400)) == ""


def test_wrong_labels_are_not_learnt() -> None:
    rows = labelled(400)
    frozen = rows.outcome.copy()
    frozen[-50:] = 7.0
    assert "the last 50 outcomes are all 7" in refused(a_deployment(), replace(rows, outcome=frozen))
    early = replace(rows, known=rows.time - np.timedelta64(1, "h"))
    assert "dated before" in refused(a_deployment(), early)
    one_early = rows.known.copy()
    one_early[0] = rows.time[0] - np.timedelta64(1, "h")
    assert "dated before" not in refused(a_deployment(), replace(rows, known=one_early))
    late = replace(rows, known=rows.known + np.timedelta64(9, "D"))
    assert "dated in the future" in refused(a_deployment(), late)
    missing = rows.outcome.copy()
    missing[3] = np.inf
    assert "no finite numbers" in refused(a_deployment(), replace(rows, outcome=missing))


def test_a_rare_class_is_not_taken_for_a_frozen_feed() -> None:
    rows = labelled(400)
    rare = np.zeros(400)
    rare[10] = 1.0
    auc = Standing(objective=Objective(metric="roc_auc", at_least=0.7), value=0.6, rows=400, at_set_point=False)
    assert refused(a_deployment(standings=(auc,)), replace(rows, outcome=rare, score=rare / 2)) == ""


def test_a_person_still_needs_two_hundred_rows() -> None:
    assert too_few(labelled(60)) == "60 new labelled rows since the last training; 200 are needed"
    assert too_few(labelled(200)) == ""


def test_rows_that_are_left_out_are_said_and_not_counted() -> None:
    assert too_few(labelled(3), 4_000).endswith("200 are needed; 4000 more are doubtful for an incident, and left out")
    plan = due(labelled(400), now=NOW, cause="asked", left_out=7)
    assert plan.reason == "asked; 7 more are doubtful for an incident, and left out; 400 new labelled rows"
