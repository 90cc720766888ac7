"""The plan: the same deployment and look give the same next action, in order, inside the envelope."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from setpoint.domain.bounds import spent
from setpoint.domain.envelope import Envelope, PromoteBounds, RetrainBounds
from setpoint.domain.fleet import Training
from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.live import Served
from setpoint.domain.notice import Quiet
from setpoint.domain.records import joined
from setpoint.domain.rollout import Decision, Phase
from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.history import changes_of
from setpoint.loop.looks.spans import doubtful_spans, repaired_spans
from setpoint.loop.plan import plan
from setpoint.loop.taking import taken_back
from setpoint.ports import FitResult


def test_nothing_is_done_while_nothing_is_wrong(made: Any) -> None:
    assert plan(made.deployment(), made.look()) is None


def test_an_incident_is_investigated_before_anything_is_done_about_it(made: Any) -> None:
    deployment = made.deployment(incidents=(made.incident(),))
    assert plan(deployment, made.look()) == do.Investigate(incident="demand-temp")
    assert plan(deployment, made.look()) == plan(deployment, made.look())


def test_a_release_since_the_last_investigation_asks_for_another(made: Any) -> None:
    seen = made.incident(made.repair(Remedy.WAIT), investigated=made.now - made.day / 4)
    deployment = made.deployment(incidents=(seen,))
    assert plan(deployment, made.look()) is None
    newer = replace(deployment.releases[0], at=made.now - made.hour)
    assert plan(replace(deployment, releases=(newer,)), made.look()) == do.Investigate(incident="demand-temp")


def test_a_look_from_before_the_newest_release_investigates_once(made: Any) -> None:
    newer = replace(made.deployment().releases[0], at=made.now + made.day)
    new = made.deployment(incidents=(made.incident(),), releases=(newer,))
    assert plan(new, made.look()) == do.Investigate(incident="demand-temp")
    seen = made.incident(made.repair(Remedy.WAIT), investigated=made.now)
    assert plan(replace(new, incidents=(seen,)), made.look()) is None


def test_so_does_evidence_that_has_doubled(made: Any) -> None:
    seen = made.incident(made.repair(Remedy.WAIT), since=made.now - made.day, investigated=made.now - made.day / 2)
    look = made.look()
    assert plan(made.deployment(incidents=(replace(seen, since=made.now - made.day * 1.1),)), look) is None
    early = replace(seen, investigated=made.now - made.day * 0.6)
    assert plan(made.deployment(incidents=(early,)), look) == do.Investigate(incident="demand-temp")


@pytest.mark.parametrize("remedy", [Remedy.INVERSE_MAP, Remedy.ROLLBACK, Remedy.RESTART])
def test_an_automatic_repair_is_made(made: Any, remedy: Remedy) -> None:
    repair = made.repair(remedy)
    action = plan(made.deployment(incidents=(made.incident(repair),)), made.look())
    assert action == do.Mend(incident="demand-temp", repair=repair, why=repair.proof)


@pytest.mark.parametrize(
    "envelope",
    [Envelope(automatic=("rollback",)), Envelope(ask=("inverse_map",)), Envelope(max_actions_per_day=3)],
)
def test_what_the_envelope_does_not_allow_is_asked_for_once(made: Any, envelope: Envelope) -> None:
    incident = made.incident(made.repair())
    deployment = made.deployment(incidents=(incident,), envelope=envelope, decisions=made.acted("mend", 3))
    action = plan(deployment, made.look())
    assert isinstance(action, do.Ask)
    assert action.why.endswith("`setpoint repair approve demand-temp`")
    waiting = replace(incident, status=IncidentStatus.WAITING)
    assert plan(replace(deployment, incidents=(waiting,)), made.look()) is None
    approved = replace(waiting, approved_by="ann")
    assert plan(replace(deployment, incidents=(approved,)), made.look()) == do.Mend(
        incident="demand-temp", repair=incident.repair, why=incident.repair.proof, by="ann"
    )


def test_what_waited_for_the_next_day_acts_on_it(made: Any) -> None:
    waiting = made.incident(made.repair(), status=IncidentStatus.WAITING)
    deployment = made.deployment(
        incidents=(waiting,), envelope=Envelope(max_actions_per_day=3), decisions=made.acted("mend", 3)
    )
    assert plan(deployment, made.look()) is None
    assert isinstance(plan(deployment, made.look(made.now + made.day)), do.Mend)


def test_only_automatic_actions_of_the_last_day_are_counted(made: Any) -> None:
    decisions = (
        *made.acted("mend", 2), *made.acted("promote", 1), *made.acted("locate", 5), *made.acted("fit", 4, by="ann"),
    )  # fmt: skip
    assert spent(changes_of(decisions), made.now) == 3
    assert spent(changes_of(decisions), made.now + 2 * made.day) == 0


def test_a_map_is_held_when_recovery_is_proven(made: Any) -> None:
    mended = made.incident(
        made.repair(applied=made.now - made.day), status=IncidentStatus.MENDING, since=made.now - 2 * made.day
    )
    held = plan(made.deployment(incidents=(mended,)), made.look(recent=made.rows(made.now, made.now)))
    assert isinstance(held, do.Hold)
    assert held.loss == pytest.approx(1.0, abs=0.5)


def test_a_map_is_lifted_when_its_column_is_well_again(made: Any) -> None:
    held = made.incident(
        made.repair(applied=made.now - 3 * made.day), status=IncidentStatus.HELD, since=made.now - 4 * made.day
    )
    deployment = made.deployment(incidents=(held,), served=Served(champion="v1", maps=(made.map,)))
    action = plan(deployment, made.look())
    assert isinstance(action, do.Undo)
    assert action.helped
    still = made.rows(made.now - made.day, made.now)
    warm = {**still.inputs, "temp": 1.8 * still.inputs["temp"] + 32}
    sent = dataclasses.replace(still, inputs=warm)
    before = made.look().history.between(None, made.now - made.day)
    assert plan(deployment, made.look(history=joined(before, sent))) is None


def test_a_roll_back_that_worked_closes_its_incident(made: Any) -> None:
    repair = made.repair(Remedy.ROLLBACK, applied=made.now - made.day)
    mended = made.incident(repair, status=IncidentStatus.MENDING, since=made.now - 2 * made.day)
    action = plan(made.deployment(incidents=(mended,)), made.look())
    assert isinstance(action, do.Close)
    assert action.loss == pytest.approx(1.0, abs=0.5)


def off_again(made: Any, scale: float = 1.0) -> Any:
    """A look that sees the loss of an incident unchanged, three days after its repair."""
    healthy, after = (made.rows(a, b, loss=x) for a, b, x in (
        (made.now - 30 * made.day, made.now - 4 * made.day, 1.0), (made.now - 3 * made.day, made.now, 40.0),
    ))  # fmt: skip
    after = dataclasses.replace(
        after, inputs={**after.inputs, "temp": scale * after.inputs["temp"] + 32 * (scale != 1)}
    )
    return made.look(history=made.joined(healthy, after))


def test_a_version_stays_that_was_the_better_one_though_the_loss_did_not_fall(made: Any) -> None:
    repair = replace(made.repair(Remedy.ROLLBACK, applied=made.now - 3 * made.day), to_version="v0")
    mended = made.incident(repair, status=IncidentStatus.MENDING, since=made.now - 4 * made.day)
    action = plan(made.deployment(incidents=(mended,)), off_again(made))
    assert isinstance(action, do.Close)
    assert "v0 stays, for the harm has another cause" in action.why


def test_a_repair_that_did_not_help_is_taken_back_and_not_tried_again(made: Any) -> None:
    repair = made.repair(applied=made.now - 3 * made.day)
    mended = made.incident(repair, status=IncidentStatus.MENDING, since=made.now - 4 * made.day)
    look = off_again(made, scale=1.8)
    action = plan(made.deployment(incidents=(mended,)), look)
    assert isinstance(action, do.Undo)
    assert not action.helped
    back = replace(mended, repair=made.repair(Remedy.ROLLBACK, applied=repair.applied))
    close = plan(made.deployment(incidents=(back,)), look)
    assert isinstance(close, do.Close)
    assert not close.helped
    assert close.why.endswith("v0 stays, for the harm has another cause")
    undone = replace(mended, status=IncidentStatus.OPEN, repair=replace(repair, lifted=made.now), investigated=made.now)
    assert plan(made.deployment(incidents=(undone,)), look) is None


def test_an_incident_whose_alarms_are_silent_is_closed(made: Any) -> None:
    assert isinstance(plan(made.deployment(incidents=(made.incident(),)), made.look(made.now + 3 * made.day)), do.Close)


def test_failures_that_are_over_for_an_hour_are_over(made: Any) -> None:
    alarm = made.finding(monitor="service", metric="availability_fast_burn", column=None, until=made.now)
    deployment = made.deployment(
        incidents=(made.incident(subject="service", findings=(alarm,), investigated=made.now),)
    )
    assert plan(deployment, made.look(made.now + made.hour / 2)) is None
    assert isinstance(plan(deployment, made.look(made.now + made.hour)), do.Close)


def test_a_quality_incident_stays_open_while_quality_is_off(made: Any) -> None:
    quality = made.incident(
        made.repair(Remedy.RETRAIN), cause=Cause.CONCEPT, subject="quality",
        findings=(made.finding(monitor="quality", metric="mae"),),
    )  # fmt: skip
    look = made.look(made.now + 3 * made.day)
    off = dataclasses.replace(look, standings=made.mae_is_off())
    deployment = made.deployment(incidents=(replace(quality, investigated=look.now),), envelope=Envelope(automatic=()))
    assert isinstance(plan(deployment, look), do.Close)
    assert isinstance(plan(deployment, off), do.Ask)


def test_a_model_that_is_off_its_set_point_is_retrained(made: Any) -> None:
    deployment = made.deployment(standings=made.mae_is_off())
    action = plan(deployment, made.look())
    assert isinstance(action, do.Fit)
    assert (action.job, action.by) == ("demand-20240601T000000", "setpoint")
    assert "mae 5 is off its set point 2" in action.plan.reason


def test_one_approval_is_for_one_training(made: Any) -> None:
    """Where the envelope asks for each, the next one is asked for again; nothing is asked while a candidate runs."""
    quality = made.incident(
        made.repair(Remedy.RETRAIN), cause=Cause.CONCEPT, subject="quality", status=IncidentStatus.WAITING,
        findings=(made.finding(monitor="quality", metric="mae"),), approved_by="ann",
    )  # fmt: skip
    deployment = made.deployment(
        incidents=(quality,), standings=made.mae_is_off(), envelope=Envelope(ask=("retrain",), automatic=("promote",))
    )
    action = plan(deployment, made.look())
    assert isinstance(action, do.Fit)
    assert action.by == "ann"
    after = act(action, SimpleNamespace(), deployment, made.look())
    assert after.incidents[0].approved_by == ""
    assert after.incidents[0].timeline[-1].by == "ann"
    ended = replace(after, training=None, last_fit=None)
    asked = plan(ended, made.look())
    assert isinstance(asked, do.Ask)
    assert plan(replace(ended, rollouts=(made.rollout(),)), made.look()) is None


@pytest.mark.parametrize(
    ("cause", "status", "trains"),
    [
        (Cause.UNIT, IncidentStatus.WAITING, False),
        (Cause.RELEASE, IncidentStatus.WAITING, False),
        (Cause.UNIT, IncidentStatus.HELD, True),  # its rows are repaired in the training set
        (Cause.CONCEPT, IncidentStatus.WAITING, True),
    ],
)
def test_no_retraining_while_a_data_fault_is_open(made: Any, cause: Cause, status: Any, trains: bool) -> None:
    remedy = Remedy.RETRAIN if cause is Cause.CONCEPT else Remedy.INVERSE_MAP
    repair = made.repair(remedy, applied=made.now - made.hour if status is IncidentStatus.HELD else None)
    incident = made.incident(repair, cause=cause, status=status)
    deployment = made.deployment(
        incidents=(incident,), standings=made.mae_is_off(), envelope=Envelope(automatic=("retrain",))
    )
    look = made.look(recent=made.rows(made.now, made.now))
    assert isinstance(plan(deployment, look), do.Fit) is trains


def test_no_retraining_beyond_the_actions_of_a_day_or_outside_the_envelope(made: Any) -> None:
    off = made.deployment(standings=made.mae_is_off())
    assert plan(replace(off, decisions=made.acted("promote", 6)), made.look()) is None
    assert plan(replace(off, envelope=Envelope(automatic=("promote",))), made.look()) is None
    assert plan(replace(off, envelope=Envelope(ask=("retrain",))), made.look()) is None


def test_a_training_that_ended_goes_to_the_gate(made: Any) -> None:
    training = Training(job="j", reason="", by="setpoint", holdout_since=made.now - made.day, until=made.now)
    deployment = made.deployment(training=training, standings=made.mae_is_off())
    assert plan(deployment, made.look()) is None
    assert plan(deployment, made.look(fit=FitResult(id="j", version="v2"))) == do.Gate()


def test_a_shadow_is_promoted_or_rejected_by_its_verdict(made: Any) -> None:
    def next_for(rollout: Any, **changes: Any) -> Any:
        return plan(made.deployment(rollouts=(rollout,), **changes), made.look())

    assert next_for(made.rollout()) is None
    assert next_for(made.rollout(Decision.WAIT)) is None
    assert next_for(made.rollout(Decision.ACCEPT)) == do.Promote(version="v2", why="better by 1")
    assert next_for(made.rollout(Decision.REJECT)) == do.Reject(version="v2", why="better by 1")
    ended = made.rollout(Decision.ACCEPT, phase=Phase.REJECTED, ended=made.now)
    assert next_for(ended) is None


def test_a_candidate_is_rejected_when_its_champion_was_replaced(made: Any) -> None:
    deployment = made.deployment(rollouts=(made.rollout(Decision.ACCEPT),), served=Served(champion="v3", shadow="v2"))
    assert plan(deployment, made.look()) == do.Reject(version="v2", why="v1 is no longer champion")


def test_a_promotion_outside_the_envelope_is_asked_for_once(made: Any) -> None:
    rollout = made.rollout(Decision.ACCEPT)
    for envelope, why in (
        (Envelope(automatic=("retrain",)), "promote is not in the envelope"),
        (Envelope(ask=("promote",)), "promote is listed under ask"),
        (Envelope(promote=PromoteBounds(largest_step=0.5)), "100% of the requests move at once, at most 50%"),
    ):
        deployment = made.deployment(rollouts=(rollout,), envelope=envelope)
        asked = plan(deployment, made.look())
        assert asked == do.AskToPromote(
            version="v2", why=f"better by 1; {why}; to promote it: `setpoint repair approve v2`"
        )
        told = replace(deployment, decisions=(replace(made.acted("ask", 1)[0], subject="v2"),))
        assert plan(told, made.look()) is None
        approved = replace(told, rollouts=(replace(rollout, approved_by="ann"),))
        assert plan(approved, made.look()) == do.Promote(version="v2", why="better by 1", by="ann")


def test_a_promotion_waits_for_room_in_the_day(made: Any) -> None:
    deployment = made.deployment(rollouts=(made.rollout(Decision.ACCEPT),), decisions=made.acted("mend", 6))
    assert plan(deployment, made.look()) is None
    assert isinstance(plan(deployment, made.look(made.now + made.day)), do.Promote)


def test_a_promotion_waits_for_the_rows_and_the_hours_that_the_envelope_asks_for(made: Any) -> None:
    night = Quiet(start_min=60, end_min=120)
    for envelope in (Envelope(promote=PromoteBounds(shadow_rows=201)), Envelope(hours=night)):
        assert plan(made.deployment(rollouts=(made.rollout(Decision.ACCEPT),), envelope=envelope), made.look()) is None


def test_a_training_by_another_method_than_the_envelope_has_is_not_started(made: Any) -> None:
    off = made.deployment(standings=made.mae_is_off())
    assert plan(off, made.look()).plan is not None
    bounds = RetrainBounds(methods=(Method.CONTINUE,))
    assert plan(replace(off, envelope=Envelope(retrain=bounds)), made.look()) is None


def test_what_a_promotion_brought_is_measured_once(made: Any) -> None:
    promoted = made.rollout(Decision.ACCEPT, phase=Phase.PROMOTED, ended=made.now - 10 * made.day)
    deployment = made.deployment(rollouts=(promoted,))
    assert plan(deployment, made.look()) == do.Receipt(version="v2")
    assert plan(made.deployment(rollouts=(replace(promoted, receipt=made.receipt()),)), made.look()) is None
    fresh = replace(promoted, ended=made.now - made.day)
    assert plan(made.deployment(rollouts=(fresh,)), made.look()) is None


def test_incidents_come_before_rollouts_and_rollouts_before_training(made: Any) -> None:
    everything = made.deployment(
        incidents=(made.incident(made.repair()),), rollouts=(made.rollout(Decision.ACCEPT),),
        standings=made.mae_is_off(),
    )  # fmt: skip
    assert isinstance(plan(everything, made.look()), do.Mend)
    mended = replace(everything, incidents=())
    assert isinstance(plan(mended, made.look()), do.Promote)
    assert isinstance(plan(replace(mended, rollouts=()), made.look()), do.Fit)


def test_while_outcomes_are_not_trusted_nothing_learns_from_them(made: Any) -> None:
    hold = replace(made.repair(Remedy.HOLD), applied=made.now)
    doubted = made.deployment(
        incidents=(made.incident(hold, status=IncidentStatus.MENDING, investigated=made.now),),
        training=Training(job="j", reason="", by="ann", holdout_since=made.now, until=made.now, submitted=False),
    )
    assert plan(doubted, made.look()) is None
    trusted = replace(doubted, incidents=(replace(doubted.incidents[0], status=IncidentStatus.CLOSED),))
    assert plan(trusted, made.look()) == do.Submit()


def test_a_refuted_repair_mends_no_training_set(made: Any) -> None:
    tried = replace(made.repair(), applied=made.now - made.day, lifted=made.now)
    kept = made.deployment(incidents=(made.incident(tried, status=IncidentStatus.CLOSED),))
    refuted = made.deployment(incidents=(made.incident(replace(tried, refuted=True)),))
    assert [m for m, *_ in repaired_spans(kept)] == [tried.map]
    assert not doubtful_spans(kept, made.now)
    assert not repaired_spans(refuted)
    assert len(doubtful_spans(refuted, made.now)) == 1


def test_a_person_ends_a_hold(made: Any) -> None:
    hold = replace(made.repair(Remedy.HOLD), applied=made.now)
    held = made.deployment(incidents=(made.incident(hold, status=IncidentStatus.MENDING),))
    freed = taken_back(held, "demand-temp", made.now, "by ann", helped=False, by="ann")
    assert held.distrusts is not None
    assert freed.distrusts is None
    assert freed.incidents[0].taken_by == "ann"
