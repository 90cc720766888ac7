"""How fast faults are found, located and mended; false actions; time at set point."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.cli.alerting.reliability import _false
from setpoint.domain.as_known import as_known
from setpoint.domain.envelope import Envelope
from setpoint.domain.event import Event, What
from setpoint.domain.fleet import Decided, Deployment, Release, Standing
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy, Repair, Tried
from setpoint.domain.live import Served
from setpoint.domain.objective import Objective
from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.reliability import MOST_DAYS, passed, reliability
from setpoint.domain.remembering import ranked
from setpoint.domain.rollout import Candidate, Phase, Rollout
from setpoint.domain.value import replace

NOW = datetime(2024, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAE = Objective(metric="mae", at_most=2.0)


def a_deployment(*incidents, **changes):
    return Deployment(
        model="demand", source="", served=Served(champion="v1"), envelope=Envelope(false_actions_per_year=2),
        objectives=(MAE,), releases=(Release(version="v1", at=NOW - 99 * DAY, by="ann"),), incidents=incidents,
        **changes,
    )  # fmt: skip


def an_incident(began, found, well=None, *, cause=Cause.UNIT, by="setpoint", tried=()):
    causes = (Hypothesis(cause=cause, weight=0.9, subject="temp"),)
    mended = found + HOUR
    incident = Incident(
        id=f"i-{found}", model="demand", status=IncidentStatus.CLOSED if well else IncidentStatus.OPEN,
        since=began - 5 * HOUR, began=(began - HOUR, began), opened=found, closed=well, subject="temp", findings=(),
        causes=causes, timeline=(Event(at=mended, what=What.MENDED, said="", by=by),), tried=tried,
    )  # fmt: skip
    return ranked(incident, found + HOUR, causes)


def taken_back(found, remedy=Remedy.INVERSE_MAP):
    repair = Repair(id="r", remedy=remedy, subject="temp", applied=found + HOUR, lifted=found + DAY, refuted=True)
    return (Tried(repair=repair, at=found + DAY, by="setpoint", why="it did not help"),)


def test_times_are_counted_from_the_change_all_together_and_by_cause():
    began = [NOW - n * DAY for n in (10, 20, 30)]
    found = reliability(
        a_deployment(
            an_incident(began[0], began[0] + 2 * HOUR, began[0] + 9 * HOUR),
            an_incident(began[1], began[1] + 4 * HOUR),
            an_incident(began[2], began[2] + 6 * HOUR, began[2] + DAY, cause=Cause.UNKNOWN),
            an_incident(NOW - 200 * DAY, NOW - 199 * DAY),
        ),
        NOW - 90 * DAY,
        NOW,
    )
    every, unit, unknown = found.times
    assert [t.cause for t in found.times] == ["all", "unit", "unknown"]
    assert (every.incidents, every.detect.median_s, every.detect.worst_s) == (3, 4 * 3600, 6 * 3600)
    assert (unit.locate.count, unit.locate.median_s, unit.locate.worst_s) == (2, 4 * 3600, 5 * 3600)
    assert (unit.recover.count, unit.recover.worst_s) == (1, 9 * 3600)
    assert unknown.locate.median_s is None
    assert (found.unlocated, found.unsolved) == (1, 1)


def test_an_action_is_false_where_it_was_taken_back_or_made_the_answers_surely_worse():
    at = [NOW - n * DAY for n in (10, 20, 30, 40)]
    incidents = (
        an_incident(at[0], at[0] + HOUR, tried=taken_back(at[0] + HOUR)),
        an_incident(at[1], at[1] + HOUR),
        an_incident(at[2], at[2] + HOUR, by="ann", tried=taken_back(at[2] + HOUR)),  # not the loop's
        an_incident(at[3], at[3] + HOUR, tried=taken_back(at[3] + HOUR, Remedy.HOLD)),  # it harmed nobody
    )
    rollouts = tuple(
        Rollout(
            candidate=Candidate(version=name, champion="v1", reason="", created=NOW),
            phase=Phase.PROMOTED,
            receipt=Receipt(at=NOW, realised=Gain(mean=high - 1, low=high - 2, high=high, rows=200)),
        )
        for name, high in (("v2", -0.1), ("v3", 0.1))
    )
    promotes = tuple(
        Decided(at=NOW - DAY, cause="concept", subject=name, action="promote", why="") for name in ("v2", "v3")
    )
    found = reliability(a_deployment(*incidents, rollouts=rollouts, decisions=promotes), NOW - 90 * DAY, NOW)
    assert (found.actions, found.false_actions) == (5, 2)
    assert found.false_allowed == pytest.approx(2 * 90 / 365.25)


def test_more_false_actions_than_the_envelope_allows_are_said_to_be_over_it():
    found = reliability(a_deployment(), NOW - 90 * DAY, NOW)
    assert _false(found) == "0 of them false, within the 0.49 that the envelope allows in such a period"
    assert "1 of them false: over the 0.49 that the envelope allows" in _false(replace(found, false_actions=1))


def test_what_came_after_a_past_period_is_not_counted_in_it():
    end = NOW - 30 * DAY
    began = end - 2 * DAY
    late = an_incident(began, began + HOUR, end + DAY)
    early = an_incident(began - DAY, began, began + 3 * HOUR)
    unknown = (Hypothesis(cause=Cause.UNKNOWN, weight=0.9, subject="temp"),)
    found_late = ranked(replace(an_incident(began, began + HOUR), rankings=()), end - HOUR, unknown)
    found_late = ranked(replace(found_late, causes=early.causes), end + HOUR, early.causes)
    past = reliability(a_deployment(late, early, found_late), end - 30 * DAY, end)
    assert (past.times[0].incidents, past.times[0].recover.count, past.unsolved) == (3, 1, 2)
    assert (past.times[0].locate.count, past.unlocated) == (2, 1)
    now = reliability(a_deployment(late, early, found_late), end - 30 * DAY, NOW)
    assert (now.unsolved, now.unlocated) == (1, 0)


def held(at, *then):
    """Return an incident that recovered under its repair at a time, and what happened to it later."""
    opened = an_incident(at - DAY, at - 5 * HOUR)
    lifted = next((t for t, w in then if w is What.UNDONE), None)
    repair = Repair(
        id="r", remedy=Remedy.INVERSE_MAP, subject="temp", applied=at - 4 * HOUR, recovered=at, lifted=lifted
    )
    events = (*opened.timeline, Event(at=at, what=What.RECOVERED, said=""))
    return replace(
        opened,
        status=IncidentStatus.HELD,
        repair=repair,
        timeline=(*events, *(Event(at=t, what=w, said="") for t, w in then)),
    )


def test_a_recovery_that_was_taken_back_is_none():
    """It held until the repair was given up; it was well again when it closed."""
    at = NOW - 10 * DAY
    one = held(at, (at + DAY, What.UNDONE), (at + 3 * DAY, What.CLOSED))
    over = replace(one, status=IncidentStatus.CLOSED, closed=at + 3 * DAY)
    assert held(at).recovered == at
    assert over.recovered == at + 3 * DAY
    assert as_known(over, at + HOUR).recovered == at
    assert as_known(over, at + 2 * DAY).recovered is None
    assert [as_known(over, at + n * DAY).status for n in (-0.1, 0.5, 2, 4)] == ["mending", "held", "open", "closed"]


def test_a_repair_that_was_given_up_later_was_in_place_at_the_time():
    at = NOW - 10 * DAY
    second = Repair(id="r2", remedy=Remedy.IMPUTE, subject="temp", applied=at + 3 * DAY)
    one = replace(an_incident(at - DAY, at, tried=taken_back(at)), repair=second)
    assert as_known(one, at + 2 * HOUR).repair.id == "r"
    assert as_known(one, at + 2 * HOUR).repair.in_force
    assert as_known(one, at + 2 * HOUR).tried == ()
    assert as_known(one, at).repair is None


def stands(at_set_point):
    return (Standing(objective=MAE, value=1.0, rows=10, at_set_point=at_set_point),)


def test_time_at_set_point_is_what_is_known_of_the_days():
    days = ()
    for hour in range(1, 97):
        known = None if hour > 72 else hour <= 54
        days = passed(days, stands(known), NOW + (hour - 1) * HOUR, NOW + hour * HOUR)
    found = reliability(a_deployment(days=days), NOW, NOW + 4 * DAY)
    ((name, share, known_s),) = [(h.objective, h.share, h.known_s) for h in found.held]
    assert (name, share, known_s) == ("mae", 0.75, 72 * 3600)
    later = reliability(a_deployment(days=days), NOW + 5 * DAY, NOW + 6 * DAY)
    assert later.held == ()


def test_a_look_that_is_repeated_is_not_counted_twice():
    days = passed((), stands(True), NOW, NOW + HOUR)
    assert passed(days, stands(True), NOW, NOW + HOUR) == days


@given(st.lists(st.floats(0.01, 200), min_size=1, max_size=60))
def test_no_more_than_the_time_that_passed_is_counted_and_no_more_than_a_year_is_kept(hours):
    days, now = (), NOW
    for length in hours:
        before, now = now, now + timedelta(hours=length)
        days = passed(days, stands(True), before, now)
    counted = sum(d.held_s["mae"] for d in days)
    assert counted <= (now - NOW).total_seconds() + 1e-3
    assert counted == pytest.approx(sum(min(h, 24) for h in hours) * 3600, rel=1e-6)
    assert len(days) <= MOST_DAYS
    assert [d.start for d in days] == sorted({d.start for d in days})
    assert days[-1].until == now
