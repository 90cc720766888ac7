"""A throttle: put in place with a deadline, held, and gone when its time is over."""

from datetime import timedelta
from typing import Any

from setpoint.domain.envelope import Envelope
from setpoint.domain.incident import Cause, IncidentStatus, Remedy
from setpoint.domain.throttle import Throttle
from setpoint.loop import actions as do
from setpoint.loop.acts import act
from setpoint.loop.plan import plan
from setpoint.loop.taking import taken_back

HELD = Throttle(id="t", caller="eve", per_s=1.0, lasts_s=3_600.0)


def proposed(made: Any, **envelope: Any) -> Any:
    repair = made.repair(Remedy.THROTTLE, throttle=HELD, subject="caller eve", id="t")
    incident = made.incident(
        repair,
        cause=Cause.ATTACK,
        subject="caller eve",
        id="demand-caller-eve",
        findings=(made.finding(monitor="callers", metric="alike", column=None, until=made.now),),
    )
    return made.deployment(incidents=(incident,), envelope=Envelope(**envelope))


def test_a_person_is_asked_unless_the_envelope_says_otherwise(made: Any) -> None:
    assert isinstance(plan(proposed(made), made.look()), do.Ask)
    assert isinstance(plan(proposed(made, automatic=("throttle",)), made.look()), do.Mend)


def test_it_has_a_deadline_and_leaves_no_trace(made: Any) -> None:
    before = proposed(made, automatic=("throttle",))
    under = act(plan(before, made.look()), None, before, made.look())
    (throttle,) = under.served.throttles
    assert throttle.until == made.now + timedelta(hours=1)

    soon = made.look(made.now + timedelta(minutes=1))
    held = act(plan(under, soon), None, under, soon)
    assert held.incidents[0].status is IncidentStatus.HELD
    assert plan(held, made.look(made.now + timedelta(minutes=59))) is None

    late = made.look(made.now + timedelta(minutes=60))
    after = act(plan(held, late), None, held, late)
    assert after.served == before.served
    assert after.incidents[0].status is IncidentStatus.CLOSED


def test_a_person_takes_it_back(made: Any) -> None:
    before = proposed(made, automatic=("throttle",))
    under = act(plan(before, made.look()), None, before, made.look())
    assert taken_back(under, "demand-caller-eve", made.now, "", helped=False, by="ann").served == before.served
