"""A repair from its place to its end: proven, or taken back and the next cause tried, never the same one again."""

import dataclasses
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from setpoint.domain.audited import Audited, Difference
from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.live import Live
from setpoint.domain.value import replace
from setpoint.errors import Conflict, NotFound
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.plan import plan
from setpoint.loop.taking import take_back, taken_back
from setpoint.loop.verbs.inside import checked


def test_what_did_not_help_by_the_deadline_is_taken_back_though_no_outcome_came(made: Any) -> None:
    """Without outcomes the answers tell: with the repair they are no nearer to healthy ones than without it."""
    repair = made.repair(applied=made.now - 13 * made.day)
    since = made.now - 16 * made.day
    mended = made.incident(repair, status=IncidentStatus.MENDING, since=since)
    healthy = made.rows(made.now - 44 * made.day, since)

    def action(days: int, before: float, after: float) -> Any:
        parts = ((since, repair.applied, before), (repair.applied, made.now + 2 * made.day, after))
        rows = [made.rows(a, b, loss=loss) for a, b, loss in parts]
        sent = [dataclasses.replace(r, inputs={**r.inputs, "temp": 1.8 * r.inputs["temp"] + 32}) for r in rows]
        look = made.look(made.now + days * made.day, history=made.joined(healthy, *map(unlabelled, sent)))
        return plan(made.deployment(incidents=(mended,)), look)

    assert action(0, 60.0, 60.0) is None
    assert isinstance(action(2, 60.0, 1.0), do.Hold)
    undo = action(2, 1.0, 60.0)
    assert isinstance(undo, do.Undo)
    assert "14 days after the repair too few outcomes are known" in undo.why


def unlabelled(rows: Any) -> Any:
    return dataclasses.replace(
        rows, outcome=np.full(len(rows), np.nan), known=np.full(len(rows), "NaT", "datetime64[us]")
    )


def mended_by(made: Any, repair: Any, **changes: Any) -> Any:
    """A deployment under a repair."""
    incident = made.incident(repair)
    look, action = made.look(), do.Mend(incident=incident.id, repair=repair, why="", by="setpoint")
    return act(action, None, made.deployment(incidents=(incident,), **changes), look)


def test_a_roll_back_that_is_taken_back_goes_forward_again(made: Any) -> None:
    v1 = replace(made.deployment().releases[0], version="v1", replaced="v0")
    before = made.deployment(releases=(v1,))
    back = mended_by(made, made.repair(Remedy.ROLLBACK), releases=(v1,))
    assert (back.served.champion, back.served.standby) == ("v0", None)
    again = taken_back(back, "demand-temp", made.now + made.hour, "no better", helped=False)
    assert (again.served.champion, again.releases[-1].replaced) == ("v1", "v0")
    assert "v1 is champion again" in again.decisions[-1].why
    assert checked(again).loose == ()
    later = replace(back, releases=(*back.releases, replace(v1, version="v3", at=made.now + made.hour)))
    later = replace(later, served=replace(later.served, champion="v3"))
    assert taken_back(later, "demand-temp", made.now + made.day, "", helped=False).served.champion == "v3"
    assert before.served.champion == "v1"


def test_after_a_repair_that_did_not_help_the_next_cause_is_looked_for_at_once(made: Any) -> None:
    undone = taken_back(mended_by(made, made.repair()), "demand-temp", made.now, "no better", helped=False)
    assert plan(undone, made.look()) == do.Investigate(incident="demand-temp")
    again = replace(undone.incidents[0], repair=made.repair(), investigated=made.now)
    assert plan(replace(undone, incidents=(again,)), made.look()) is None  # the same one comes never again
    other = replace(again, repair=made.repair(Remedy.ROLLBACK))
    assert isinstance(plan(replace(undone, incidents=(other,)), made.look()), do.Mend)
    unsure = replace(other, repair=made.repair(Remedy.ROLLBACK, weight=0.4))
    ask = plan(replace(undone, incidents=(unsure,)), made.look())
    assert isinstance(ask, do.Ask)
    assert "the next cause is 40% sure only" in ask.why


def test_a_person_who_took_a_repair_back_is_asked_after_the_incident_is_over_too(made: Any) -> None:
    undone = taken_back(mended_by(made, made.repair()), "demand-temp", made.now, "by ann", helped=False, by="ann")
    over = replace(undone.incidents[0], status=IncidentStatus.CLOSED, closed=made.now)
    new = made.incident(made.repair(), id="demand-temp-2")

    def next_(*incidents: Any, later: Any = 0 * made.day) -> Any:
        return plan(replace(undone, incidents=incidents, decisions=()), made.look(made.now + later))

    ask = next_(over, new)
    assert isinstance(ask, do.Ask)
    assert ask.why == "ann took such a repair back: `setpoint repair approve demand-temp-2`"
    allowed = replace(new, id="x", acted_by="bob", status=IncidentStatus.CLOSED,
                      repair=made.repair(applied=made.now + made.hour, lifted=made.now + 2 * made.hour))  # fmt: skip
    week, year = (
        replace(
            new,
            findings=(made.finding(made.now + d * made.day),),
            opened=made.now + d * made.day,
            since=made.now + (d - 1) * made.day,
            investigated=made.now + d * made.day,
        )
        for d in (8, 91)
    )
    assert isinstance(next_(over, week, later=8 * made.day), do.Ask)
    assert isinstance(next_(over, allowed, week, later=8 * made.day), do.Mend)
    assert isinstance(next_(over, year, later=91 * made.day), do.Mend)


def test_a_repair_that_came_and_went_twice_in_a_week_waits_for_a_person(made: Any) -> None:
    def gone(number: int) -> Any:
        applied = made.now - number * made.day
        repair = made.repair(applied=applied, lifted=applied + made.hour)
        return made.incident(repair, id=f"i{number}", status=IncidentStatus.CLOSED)

    new = made.incident(made.repair(), id="new")
    assert isinstance(plan(made.deployment(incidents=(gone(1), new)), made.look()), do.Mend)
    ask = plan(made.deployment(incidents=(gone(1), gone(2), new)), made.look())
    assert ask == do.Ask(
        incident="new", why="inverse_map of temp came and went 2 times in 7 days: `setpoint repair approve new`"
    )
    assert isinstance(plan(made.deployment(incidents=(gone(1), gone(8), new)), made.look()), do.Mend)


def test_a_repair_of_a_column_that_another_one_repairs_takes_its_place_in_the_books(made: Any) -> None:
    under = mended_by(made, made.repair())
    second = made.incident(made.repair(Remedy.SWAP_BACK), id="second")
    both = replace(under, incidents=(*under.incidents, second))
    done = act(do.Mend(incident="second", repair=second.repair, why="", by="ann"), None, both, made.look())
    assert [m.id for m in done.served.maps] == [second.repair.map.id]
    assert (done.incidents[0].status, done.incidents[0].tried[0].by) == (IncidentStatus.OPEN, "ann")


def test_what_mends_a_skew_is_taken_away_when_audits_are_clean_again(made: Any) -> None:
    """Values that the source says again are the proof, whatever they look like."""
    repair = replace(made.repair(Remedy.IMPUTE), cause=Cause.SKEW, subject="temp", applied=made.now - 2 * made.day)
    held = made.incident(repair, status=IncidentStatus.HELD, since=made.now - 3 * made.day)

    def audits(differ: int) -> tuple[Audited, ...]:
        times = [(made.now - k * made.day, 12 * (k == 2) + differ * (k == 1)) for k in (5, 4, 2, 1)]
        said = [(at, Difference(column="temp", rows=n, first=at, ids=())) for at, n in times]
        return tuple(
            Audited(at=at, since=at, until=at, rows=24, columns=("temp",), differ=(d,) if d.rows else ())
            for at, d in said
        )

    def action(differ: int) -> Any:
        return plan(made.deployment(incidents=(held,)), dataclasses.replace(made.look(), audits=audits(differ)))

    assert action(12) is None
    undo = action(0)
    assert isinstance(undo, do.Undo)
    assert undo.helped


def test_what_mends_a_skew_stays_for_as_long_as_audits_differ(made: Any) -> None:
    """Only a hold must end: it learns nothing meanwhile."""

    def action(remedy: Remedy) -> Any:
        repair = replace(made.repair(remedy), cause=Cause.SKEW, subject="temp", applied=made.now - 29 * made.day)
        status = IncidentStatus.MENDING if remedy is Remedy.HOLD else IncidentStatus.HELD
        standing = made.incident(repair, status=status, since=made.now - 30 * made.day)
        at = [made.now - k * made.day for k in range(40, 0, -1)]
        bad = [Difference(column="temp", rows=12, first=t, ids=()) for t in at]
        audits = tuple(
            Audited(at=t, since=t, until=t, rows=24, columns=("temp",), differ=(d,) if t >= standing.since else ())
            for t, d in zip(at, bad, strict=True)
        )
        return plan(made.deployment(incidents=(standing,)), dataclasses.replace(made.look(), audits=audits))

    assert action(Remedy.IMPUTE) is None
    assert isinstance(action(Remedy.HOLD), do.Undo)


def test_nobody_takes_back_a_repair_of_what_another_person_took_over(made: Any) -> None:
    mended = made.incident(made.repair(applied=made.now - made.hour), status=IncidentStatus.HELD, handled_by="bob")
    closed = replace(made.incident(), id="demand-old", status=IncidentStatus.CLOSED, closed=made.now)
    stored = made.deployment(incidents=(mended, closed))
    state = SimpleNamespace(lease=nullcontext, models=lambda: ("demand",), load=lambda m: stored, save=lambda d: None)
    live = Live().having("demand", stored.served)
    ports: Any = SimpleNamespace(state=state, platform=SimpleNamespace(live=lambda: live, apply=lambda live: None))
    with pytest.raises(Conflict, match="taken over by bob: ask them, or `setpoint repair give-back demand-temp` first"):
        take_back(ports, "demand-temp", made.now, by="ann")
    assert take_back(ports, "demand-temp", made.now, by="bob").incidents[0].status is IncidentStatus.OPEN
    with pytest.raises(NotFound, match="live incidents: demand-temp; 1 closed: `setpoint incidents --all`"):
        take_back(ports, "nope", made.now, by="ann")
