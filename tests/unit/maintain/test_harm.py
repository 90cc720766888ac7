"""What an incident has cost."""

from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.incident import Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.objective import Gain
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.maintain.harm import harm_of
from tests.unit.maintain.conftest import NOW

DAY = timedelta(days=1)
BINARY = Schema(features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.BINARY)


def rows(since, until, *, wrong=0.0, labelled=True):
    """One decision an hour, a share of them wrong."""
    count = round((until - since) / timedelta(hours=1))
    time = stamp(since) + np.arange(count) * np.timedelta64(1, "h")
    truth = (np.arange(count) % 2).astype(float)
    score = np.where(np.arange(count) < wrong * count, 1 - truth, truth)
    return Records(
        id=np.arange(count).astype(str).astype(object), time=time, version=np.full(count, "v1", object),
        score=score, outcome=truth, known=time if labelled else np.full(count, "NaT", "datetime64[us]"),
        latency_us=np.zeros(count), maps=np.full(count, "", object), inputs={"x": truth},
    )  # fmt: skip


def an_incident(**changes):
    incident = Incident(
        id="i", model="m", status=IncidentStatus.OPEN, since=NOW - 2 * DAY, opened=NOW, subject="x", findings=()
    )
    return replace(incident, **changes)


def test_answers_since_it_began_count_and_what_they_lost_beside_healthy_ones():
    healthy = rows(NOW - 20 * DAY, NOW - 2 * DAY, wrong=0.1)
    harm = harm_of(
        an_incident(), rows(NOW - 2 * DAY, NOW, wrong=0.5), healthy, BINARY, NOW,
        gain=Gain(tp=1, fp=-1, fn=-1, tn=1),
    )  # fmt: skip
    assert (harm.records, harm.labelled, harm.unit, harm.loss) == (48, 48, "Brier score", 0.5)
    assert harm.times == pytest.approx(5, rel=0.05)
    assert harm.value == pytest.approx(48 * (0 - 0.8), rel=0.05)  # half are wrong, where a tenth was


def test_a_repair_ends_the_harm_unless_it_did_not_help():
    repair = Repair(id="r", remedy=Remedy.ROLLBACK, subject="x", applied=NOW - DAY)
    healthy, answers = rows(NOW - 20 * DAY, NOW - 2 * DAY), rows(NOW - 2 * DAY, NOW)
    mended = an_incident(repair=repair)
    assert harm_of(mended, answers, healthy, BINARY, NOW).records == 24
    refuted = an_incident(repair=replace(repair, lifted=NOW, refuted=True))
    assert harm_of(refuted, answers, healthy, BINARY, NOW).records == 48


def test_before_outcomes_come_only_the_answers_are_counted():
    healthy, answers = rows(NOW - 20 * DAY, NOW - 2 * DAY), rows(NOW - 2 * DAY, NOW, labelled=False)
    harm = harm_of(an_incident(), answers, healthy, BINARY, NOW)
    assert (harm.records, harm.labelled, harm.loss, harm.times) == (48, 0, None, None)
