from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.envelope import Change, Envelope, Kind
from setpoint.domain.incident import IncidentStatus, Remedy, Repair
from setpoint.domain.value import replace
from setpoint.maintain.decide import decide
from setpoint.maintain.triage import triage

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def now(finding):
    return finding().until + timedelta(hours=1)


def look(incidents, findings, now):
    return triage(incidents, findings, now, model="demand", version="v1")


def test_columns_that_move_together_are_one_incident_named_after_the_strongest(finding, now):
    (one,) = look((), [finding(column="felt", value=1.0), finding(column="temp", value=3.0)], now)
    assert one.subject == "temp"
    assert {f.column for f in one.findings} == {"temp", "felt"}
    assert one.id == f"demand-{now:%Y%m%dT%H%M}-temp"


def test_notes_and_slow_drift_open_nothing(finding, now):
    assert look((), [finding(alarm=False), finding(metric="drift_location_slow")], now) == ()


def test_quality_stands_alone_or_joins_the_data_incident(finding, now):
    quality = finding("quality", "mae_step", None)
    (alone,) = look((), [quality], now)
    assert alone.subject == "quality"
    (one,) = look((), [quality, finding()], now)
    assert one.subject == "temp"
    assert {f.monitor for f in one.findings} == {"drift", "quality"}


def test_data_that_move_soon_after_a_quality_alarm_are_the_same_incident(finding, now):
    first = look((), [finding("quality", "mae_step", None)], now)
    (one,) = look(first, [finding()], now + timedelta(hours=24))
    assert one.id == first[0].id
    assert one.subject == "temp"


def test_each_worker_has_its_own_incident(finding, now):
    crashes = [finding("process", "crash", None, detail=f"worker {n}: exit code -9") for n in (0, 1)]
    found = look((), crashes, now)
    assert [i.subject for i in found] == ["worker 0", "worker 1"]
    assert [i.id.split("-")[-2:] for i in found] == [["worker", "0"], ["worker", "1"]]


def test_drift_of_the_answers_alone_is_about_quality(finding, now):
    (one,) = look((), [finding(column="prediction")], now)
    assert one.subject == "quality"


def test_a_held_incident_takes_its_columns_alarms_and_leaves_new_harm_alone(finding, now):
    repair = Repair(id="r", remedy=Remedy.INVERSE_MAP, subject="temp", applied=now)
    held = replace(look((), [finding()], now)[0], status=IncidentStatus.HELD, repair=repair)
    later = now + timedelta(days=3)
    still = finding(since=later - timedelta(days=1), until=later)
    harm = finding("quality", "mae_step", None, since=later - timedelta(days=1), until=later)
    echo = finding("quality", "mae", None, since=now - timedelta(days=4), until=later)
    assert len(look((held,), [still], later)) == 1
    assert len(look((held,), [echo], later)) == 1
    assert [i.subject for i in look((held,), [harm], later)] == ["temp", "quality"]


def test_alarms_about_a_stretch_that_is_over_open_nothing(finding, now):
    repair = Repair(id="r", remedy=Remedy.INVERSE_MAP, subject="temp", applied=now, lifted=now + timedelta(days=9))
    over = replace(
        look((), [finding()], now)[0], status=IncidentStatus.CLOSED, repair=repair, closed=now + timedelta(days=9)
    )
    later = now + timedelta(days=10)
    tail = finding(since=later - timedelta(days=2), until=later)
    fresh = finding(since=later, until=later + timedelta(days=1))
    assert look((over,), [tail], later) == (over,)
    assert len(look((over,), [fresh], later + timedelta(days=1))) == 2


def test_ids_differ_within_a_minute(finding, now):
    first = replace(look((), [finding()], now)[0], status=IncidentStatus.CLOSED, closed=now)
    second = look((first,), [finding()], now)
    assert len({i.id for i in second}) == 2


@given(times=st.lists(st.integers(0, 100), min_size=1, max_size=30))
def test_an_incident_does_not_grow_with_every_look(finding, times):
    """Of each kind of finding the first and the newest stay; looking again at the same changes nothing."""
    start = finding().until
    incidents = ()
    for hours in sorted(times):
        seen = finding(until=start + timedelta(hours=hours))
        incidents = look(incidents, [seen], seen.until)
        assert look(incidents, [seen], seen.until) == incidents
    assert len(incidents) == 1
    assert len(incidents[0].findings) <= 2


@pytest.mark.parametrize(
    ("envelope", "today", "verb"),
    [
        (Envelope(), 0, "act"),
        (Envelope(), 6, "ask"),
        (Envelope(automatic=()), 0, "ask"),
        (Envelope(ask=("rollback",)), 0, "ask"),
    ],
)
def test_the_envelope_decides(incident, finding, envelope, today, verb):
    proposed = replace(incident(finding()), repair=Repair(id="r", remedy=Remedy.ROLLBACK, subject="v2"))
    now = proposed.opened
    before = tuple(Change(at=now, kind=Kind.RETRAIN, subject="") for _ in range(today))
    assert decide(proposed, envelope, before, now)[0] == verb


def test_without_a_repair_or_with_nothing_to_do_it_waits(incident, finding):
    waiting = Repair(id="r", remedy=Remedy.WAIT, subject="temp", proof="quality holds")
    assert decide(incident(finding()), Envelope(), (), NOW)[0] == "wait"
    assert decide(replace(incident(finding()), repair=waiting), Envelope(), (), NOW) == ("wait", "quality holds")
