"""When a training is due, and the words for when it is not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from setpoint.domain.fleet import Deployment, Envelope, Standing
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.rollout import Candidate, Decision, Phase, Rollout, Verdict
from setpoint.domain.schema import Task
from setpoint.domain.update import Cost, Updates
from setpoint.domain.value import replace
from setpoint.update.gain import Belief, Signs, expected_gain
from setpoint.update.when import Champion, due, needed_rows, why_not

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TARGET = Objective(metric="mae", at_most=40.0)
CHAMPION = Champion(task=Task.REGRESSION, rows=4_345, proven=30.0)


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


def refused(deployment: Deployment, rows: Records, *, forced: bool = False) -> str:
    """The words of a refusal; the plan is None exactly when there are any."""
    words = why_not(deployment, rows, CHAMPION, now=NOW, forced=forced)
    plan = due(deployment, rows, CHAMPION, now=NOW, forced=forced)
    assert (plan is None) == bool(words)
    return words


def test_quality_below_the_set_point_with_new_labels_is_a_reason() -> None:
    rows = labelled(400)
    plan = due(a_deployment(), rows, CHAMPION, now=NOW)
    assert plan is not None
    assert plan.reason == "mae 55 is off its set point 40; no data fault is open; 400 new labelled rows"
    assert plan.since < plan.holdout_since < plan.until == NOW
    assert plan.since == moment(rows.time[0])
    assert len(rows.between(plan.holdout_since, plan.until)) == plan.holdout_rows
    assert plan.expected == expected_gain(Signs(decay=0.4), 50.0, Belief())
    assert plan.estimated == "recent loss 50 on 200 rows, proven loss 30, 0 receipts"


def test_without_a_proven_loss_no_gain_is_claimed() -> None:
    plan = due(a_deployment(), labelled(400), replace(CHAMPION, proven=None), now=NOW)
    assert plan is not None
    assert plan.expected is None


def a_receipt(won: float) -> Receipt:
    """The account of a rejected candidate that would have won so much of a loss of 50."""
    gain = Gain(mean=won, low=won - 1, high=won + 1, rows=168)
    expected = Gain(mean=2.0, low=-20.0, high=20.0)
    return Receipt(at=NOW, realised=gain, expected=expected, loss=50.0, alternatives={"promote": 50.0 - won})


def test_receipts_that_won_nothing_make_the_next_training_wait_for_more_rows() -> None:
    unsure = replace(a_rollout(Phase.REJECTED, 1.0), receipt=a_receipt(-8.0))
    taught = a_deployment(rollouts=(unsure,) * 3)
    words = refused(taught, labelled(400))
    assert words.startswith("not worth it: a training should win -")
    assert refused(taught, labelled(400), forced=True) == ""
    assert refused(taught, labelled(608)) == ""
    paid = replace(unsure, receipt=a_receipt(8.0))
    assert refused(a_deployment(rollouts=(paid,) * 3), labelled(400)) == ""


def test_without_a_set_point_a_training_is_made_when_it_should_pay() -> None:
    free = a_deployment(objectives=(), standings=())
    assert refused(free, labelled(400)) == "400 new labelled rows since the last training; 608 are needed"
    plan = due(free, labelled(608), CHAMPION, now=NOW)
    assert plan is not None
    assert plan.reason == "expected to pay; no data fault is open; 608 new labelled rows"


def test_a_recalibrated_champion_has_little_to_win() -> None:
    lined = replace(CHAMPION, lined=True)
    assert why_not(a_deployment(), labelled(400), lined, now=NOW).startswith("not worth it")
    dear = Updates(cost=Cost(training=1e9, loss=1.0))
    assert "costs 1e+09" in why_not(a_deployment(updates=dear), labelled(400), CHAMPION, now=NOW)


def test_a_model_at_its_set_point_is_left_alone_unless_a_person_asks() -> None:
    well = a_deployment(standings=(standing(30.0),))
    assert refused(well, labelled(400)) == "quality holds its set point"
    assert refused(well, labelled(400), forced=True) == ""


def test_latency_is_no_reason_to_retrain() -> None:
    slow = Objective(metric="latency_p99_ms", at_most=20.0)
    off = Standing(objective=slow, value=90.0, rows=1_000, at_set_point=False)
    assert refused(a_deployment(standings=(off,)), labelled(400)) == "quality holds its set point"


def test_each_candidate_that_was_no_better_doubles_the_wait_and_a_promotion_ends_it() -> None:
    worse, unsure, promoted = a_rollout(Phase.REJECTED), a_rollout(Phase.REJECTED, 1.0), a_rollout(Phase.PROMOTED)
    history: list[tuple[tuple[Rollout, ...], int]] = [
        ((), 304), ((worse,), 608), ((worse,) * 2, 1_216), ((worse,) * 9, 2_432),
        ((worse, promoted), 304), ((promoted, worse), 608), ((unsure,) * 9, 304), ((unsure, worse, unsure), 608),
    ]  # fmt: skip
    for rollouts, rows in history:
        assert needed_rows(a_deployment(rollouts=rollouts), 4_345) == rows
    words = refused(a_deployment(rollouts=(worse,)), labelled(400))
    assert words == (
        "400 new labelled rows since the last training; 608 are needed after 1 candidate no better than the champion"
    )


def test_small_references_still_need_three_hundred_rows() -> None:
    assert needed_rows(a_deployment(), 100) == 300


@pytest.mark.parametrize("forced", [False, True])
def test_two_changes_never_run_at_once(forced: bool) -> None:
    assert "rollout of v2 is under way" in refused(
        a_deployment(rollouts=(a_rollout(Phase.SHADOW),)), labelled(400), forced=forced
    )


@pytest.mark.parametrize("forced", [False, True])
def test_an_open_data_fault_comes_first(forced: bool) -> None:
    broken = a_deployment(incidents=(an_incident(Cause.UNIT, IncidentStatus.OPEN),))
    assert refused(broken, labelled(400), forced=forced) == "incident i1 (unit: temp) comes first"


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
    assert "frozen" not in refused(a_deployment(standings=(auc,)), replace(rows, outcome=rare, score=rare / 2))


def test_a_person_still_needs_two_hundred_rows() -> None:
    words = refused(a_deployment(), labelled(60), forced=True)
    assert words == "60 new labelled rows since the last training; 200 are needed"


def test_the_same_records_make_the_same_plan() -> None:
    plans = [due(a_deployment(), labelled(400), CHAMPION, now=NOW) for _ in range(2)]
    assert plans[0] == plans[1]
    assert NOW - plans[0].holdout_since < timedelta(days=30)
