"""A caller who sends a burst: named, and held to what they usually ask."""

from dataclasses import replace as replace_
from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.incident import Cause, Remedy
from setpoint.domain.live import WorkerStatus
from setpoint.domain.records import joined, stamp
from setpoint.domain.requested import Requested
from setpoint.domain.value import replace
from setpoint.maintain.investigate import investigate
from setpoint.maintain.triage import triage
from tests.unit.maintain.conftest import NOW, incident_of


def asked_of(rows, caller="eve"):
    """So many requests in the day before."""
    time = stamp(NOW - timedelta(hours=3)).astype("datetime64[us]").view(np.int64) + np.arange(rows)
    zeros, texts = np.zeros(rows, np.int64), np.full(rows, caller, object)
    return Requested(
        id=texts, time=time, arrived=time, row=zeros, version=texts, role=texts, status=zeros, latency_us=zeros,
        caller=texts, broke=np.zeros(rows, bool), inputs={},
    )  # fmt: skip


@pytest.fixture
def burst(finding):
    """3,000 rows in ten minutes."""
    alarm = finding(
        "callers", "alike", None, segment="caller eve", rows=3_000, since=NOW - timedelta(minutes=10), until=NOW,
        detail="eve sent 3,000 of 4,000 rows", examples=("r1", "r2"),
    )  # fmt: skip
    return replace(incident_of(alarm, subject="caller eve"), since=NOW - timedelta(minutes=10))


@pytest.mark.parametrize(("usual", "rate"), [(0, 0.2), (43_200, 1.0)])
def test_a_burst_is_held_to_twice_what_its_caller_usually_asks(world, burst, score, usual, rate):
    reports = {i: WorkerStatus(pid=i) for i in range(2)}
    causes, repair = investigate(burst, replace(world(), asked=asked_of(usual), reports=reports, now=NOW), score)
    assert (causes[0].cause, causes[0].subject) == (Cause.ATTACK, "caller eve")
    assert repair is not None
    assert (repair.remedy, repair.throttle.caller) == (Remedy.THROTTLE, "eve")
    assert repair.throttle.per_s == pytest.approx(rate / 2)  # each of two workers
    assert "a client that tries again and again looks the same" in causes[0].evidence[-1]


def test_who_asks_no_more_than_usual_is_not_held(world, burst, score):
    causes, repair = investigate(burst, replace(world(), asked=asked_of(600_000), now=NOW), score)
    assert causes[0].cause is Cause.ATTACK
    assert repair is None


def test_each_caller_has_an_incident(finding):
    alarms = [finding("callers", "alike", None, segment=f"caller {name}") for name in ("eve", "mallory", "eve")]
    incidents = triage((), alarms, NOW, model="demand", version="v1")
    assert [i.subject for i in incidents] == ["caller eve", "caller mallory"]


def burst_in(case, column="temp", at=200.0, seed=0):
    """The same with three rows of a burst beside each of the suspect day, in which a column stands at one value."""
    sound = replace(case, suspect=replace_(case.suspect, caller=np.full(len(case.suspect), "shop", object)))
    again = np.sort(np.tile(np.arange(len(case.suspect)), 3))
    more = replace_(case.suspect.take(again), caller=np.full(len(again), "eve", object))
    more = replace_(more, inputs={**more.inputs, column: np.full(len(again), at)})
    rows = joined(sound.suspect, more)
    rows = rows.take(np.argsort(rows.time, kind="stable"))
    return replace(case, suspect=rows, bursting=frozenset({"eve"}))


@pytest.mark.parametrize("seed", range(5))
def test_a_column_that_moved_in_the_rows_of_a_burst_only_is_explained_by_it(world, finding, score, seed):
    day = world(seed=seed)
    day = replace(day, suspect=joined(day.healthy.take(np.arange(-48, 0)), day.suspect))
    causes, repair = investigate(incident_of(finding()), burst_in(day), score)
    assert (causes[0].cause, repair.remedy) == (Cause.ATTACK, Remedy.WAIT)
    assert "moved in the rows of eve only" in causes[0].evidence[0]


def test_a_column_that_moved_for_others_too_is_not(world, finding, score):
    day = world(column="temp", scale=1.8, offset=32)
    day = replace(day, suspect=joined(day.suspect, day.suspect))
    causes, _ = investigate(incident_of(finding()), burst_in(day), score)
    assert Cause.ATTACK not in {c.cause for c in causes}


def test_rows_that_repeat_in_a_burst_only_are_explained_by_it(world, finding, score):
    day = world()
    day = replace(day, suspect=joined(day.healthy.take(np.arange(-48, 0)), day.suspect))
    again = incident_of(finding("data_quality", "duplicates", None, limit=0.02), subject="requests")
    assert investigate(again, burst_in(day), score)[0][0].cause is Cause.ATTACK
    twice = replace(day, suspect=joined(day.suspect, day.suspect))
    assert investigate(again, burst_in(twice), score)[0][0].cause is not Cause.ATTACK
