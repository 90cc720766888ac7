"""A caller who sends a burst: named, and held to what they usually ask."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.incident import Cause, Remedy
from setpoint.domain.live import WorkerStatus
from setpoint.domain.records import stamp
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
