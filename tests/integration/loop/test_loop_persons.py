"""What a person says of an incident is done, kept to, and written down with who said it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from setpoint.domain.envelope import Envelope
from setpoint.domain.event import What
from setpoint.domain.incident import IncidentStatus
from setpoint.errors import Conflict, InvalidInput, NotFound
from setpoint.loop.record.page import incident_page
from setpoint.loop.verbs.personal import give_back, refuse, take
from setpoint.monitor.report.writing import clock

ASKS = Envelope(ask=("inverse_map",))


def who(w: Any, what: What) -> list[str]:
    return [e.by for e in w.incident.timeline if e.what is what]


def test_a_refused_remedy_is_not_applied_until_somebody_approves_it(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit, ASKS)
    w.until(23)
    ports, now, id_ = w.operator.ports, w.operator.clock.now(), w.incident.id
    assert w.incident.status is IncidentStatus.WAITING
    refuse(ports, id_, now, by="ann", why="the vendor mends it tonight")
    w.until(24)
    assert (w.incident.status, w.live.models["demand"].maps) == (IncidentStatus.OPEN, ())
    assert who(w, What.REFUSED) == ["ann"]
    assert w.incident.timeline[-1].said == "inverse_map refused by ann: the vendor mends it tonight"
    assert [(d.by, d.why) for d in w.did("refuse")] == [("ann", "the vendor mends it tonight")]
    with pytest.raises(Conflict, match="inverse_map of temp was refused by ann already"):
        refuse(ports, id_, now, by="bob")
    w.operator.approve(id_, by="bob")
    assert (w.incident.status, w.incident.refused, who(w, What.APPROVED)) == (IncidentStatus.MENDING, (), ["bob"])
    with pytest.raises(Conflict, match=f"{id_} proposes nothing that could be refused: it is mending"):
        refuse(ports, id_, now, by="ann")


def test_what_a_person_took_over_the_loop_only_watches(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit, ASKS)
    w.until(23)
    ports, now, id_ = w.operator.ports, w.operator.clock.now(), w.incident.id
    take(ports, id_, now, by="ann")
    assert (w.incident.handled_by, w.incident.acknowledged_by) == ("ann", "ann")
    assert w.incident.status is IncidentStatus.OPEN
    w.until(26)
    assert w.did("mend") == []
    assert len(w.incident.rankings) > 1
    with pytest.raises(Conflict, match=f"{id_} is taken over by ann already"):
        take(ports, id_, now, by="bob")
    give_back(ports, id_, w.operator.clock.now(), by="bob", why="no time")
    w.until(27)
    assert w.incident.status is IncidentStatus.WAITING
    assert (who(w, What.TAKEN), who(w, What.GIVEN_BACK)) == (["ann"], ["bob"])
    with pytest.raises(Conflict, match=f"nobody has taken {id_} over"):
        give_back(ports, id_, now, by="ann")


def test_a_training_and_its_candidate_are_refused(world: Any, another_demand: Any) -> None:
    w = world(another_demand, Envelope(ask=("retrain", "promote")))
    w.until(23)
    refuse(w.operator.ports, w.incident.id, w.operator.clock.now(), by="ann")
    w.until(25)
    assert (w.did("fit"), w.incident.status) == ([], IncidentStatus.OPEN)
    w.operator.approve(w.incident.id, by="bob")
    assert [d.by for d in w.did("fit")] == ["bob"]
    w.until(28)
    assert [d.action for d in w.did("fit", "reject", "ask")] == ["ask", "fit", "reject", "ask"]
    w.operator.approve(w.incident.id, by="bob")
    w.until(32)
    (rollout,) = [r for r in w.deployment.rollouts if r.running]
    version = rollout.candidate.version
    refuse(w.operator.ports, version, w.operator.clock.now(), by="ann", why="not before the audit")
    assert not [r for r in w.deployment.rollouts if r.running]
    (ended,) = w.did("abort")
    assert (ended.by, ended.subject, ended.why.endswith("; not before the audit")) == ("ann", version, True)


def test_names_and_reasons_that_no_record_should_hold_are_refused(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit)
    ports, now = w.operator.ports, w.operator.clock.now()
    for name in ("", " ", "a\nb", "x" * 101, "setpoint"):
        with pytest.raises(InvalidInput, match="is no person's name"):
            take(ports, "x", now, by=name)
    with pytest.raises(InvalidInput, match="a reason is one line of at most 500 printable characters"):
        take(ports, "x", now, by="ann", why="x" * 501)
    with pytest.raises(NotFound, match="no incident 'x'"):
        refuse(ports, "x", now, by="ann")


def test_an_incident_knows_its_course_and_a_repair_stays_when_a_person_takes_over(world: Any, fahrenheit: Any) -> None:
    w = world(fahrenheit)
    w.until(24)
    i = w.incident
    after, before = i.began
    assert after <= datetime(2024, 3, 21, tzinfo=UTC) <= before
    assert (before - after).total_seconds() <= 12 * 3600
    assert i.harm.until == i.repair.applied
    assert i.harm.records == 24
    assert i.harm.times > 2
    assert len(i.examples) == 5
    assert i.rankings[0].weights[0].cause == "unit"
    assert i.located == i.opened
    story = w.operator.story(i.id)
    assert (story.versions, story.course.metric, story.shape.column) == (("v1",), "MAE", "temp")
    assert sum(story.shape.bars.now[12:]) > 0.9 > 0.1 > sum(story.shape.bars.reference[12:])
    assert f"between {clock(after)} and {clock(before)} UTC" in incident_page(story)
    take(w.operator.ports, i.id, w.operator.clock.now(), by="ann")
    w.until(30)
    (data,) = [i for i in w.deployment.incidents if i.subject == "temp"]
    assert (data.live, [m.feature for m in w.live.models["demand"].maps]) == (True, ["temp"])
