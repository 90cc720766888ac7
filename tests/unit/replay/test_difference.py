"""Where two policies part, and why."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.loop.replay.difference import difference
from setpoint.loop.replay.run import Ran


def test_two_policies_part_where_one_does_what_the_other_does_not(ran: Callable[..., Ran]) -> None:
    fit, promote = (5, "fit", "mae is off"), (9, "promote", "it is better")
    ours = ran(
        "setpoint", 9.0, fit, promote, update={"every": None, "worth": 0.01}, envelope={"automatic": ["promote"]}
    )
    theirs = ran(
        "strict", 10.0, fit, thought="wait: the day is full", update={"every": None, "worth": 0.02},
        envelope={"automatic": ["promote"]},
    )  # fmt: skip
    found = difference(ours, theirs)
    assert found.at == datetime(2024, 3, 10, tzinfo=UTC)
    assert ([d.action for d in found.a.did], found.b.did, found.b.thought) == (["promote"], (), "wait: the day is full")
    assert (found.a.alone, found.b.alone) == (1, 0)
    assert [(s.key, s.a, s.b) for s in found.settings] == [("update.worth", "0.01", "0.02")]
    assert found.gain is not None
    assert found.gain.mean == pytest.approx(1.0)


def test_the_same_decisions_part_nowhere_whatever_their_words(ran: Callable[..., Ran]) -> None:
    found = difference(ran("a", 9.0, (5, "fit", "mae is off")), ran("b", 9.0, (5, "fit", "mae was off")))
    assert (found.at, found.settings) == (None, ())


def test_other_traffic_is_refused(ran: Callable[..., Ran]) -> None:
    ours = ran("a", 9.0)
    shorter = replace(ours, course=replace(ours.course, steps=ours.course.steps[:-1]))
    with pytest.raises(InvalidInput, match="same table"):
        difference(ours, shorter)
