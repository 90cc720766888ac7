"""Rows that end a process are found among those that were asked, with few questions."""

from dataclasses import replace as replace_fatal
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Release
from setpoint.domain.incident import Cause, IncidentStatus, Remedy, Repair
from setpoint.domain.isolation import Isolation
from setpoint.domain.profile import Binning
from setpoint.domain.records import Records
from setpoint.domain.row_digests import digests_of
from setpoint.domain.value import replace
from setpoint.maintain.case import Case
from setpoint.maintain.fatal import QUESTIONS, SETTLED, Fatal, fatal_rows, keeps_up
from setpoint.maintain.hypotheses import crash
from setpoint.maintain.triage import triage
from tests.unit.maintain.conftest import NOW, START
from tests.unit.maintain.test_exception import SCHEMA, asked_of, rows_of

CONTROL = {"x": np.array([-1.0])}


def asking(bad, questions):
    def ends(inputs):
        questions.append(len(inputs["x"]))
        return "was killed by SIGSEGV" if np.isin(inputs["x"], bad).any() else ""

    return ends


@given(st.integers(1, 64), st.sets(st.integers(0, 63), max_size=2))
def test_just_the_culprits_are_found(n, bad):
    questions = []
    found = fatal_rows(asking([float(b) for b in bad], questions), {"x": np.arange(float(n))}, CONTROL)
    assert set(np.flatnonzero(found.ends)) == {b for b in bad if b < n}
    assert bool(found.how) == bool(found.ends.any())
    assert not found.unsure
    assert len(questions) <= QUESTIONS + 1


def test_questions_are_bounded_where_every_row_ends_it():
    questions = []
    found = fatal_rows(asking(np.arange(64.0), questions), {"x": np.arange(64.0)}, CONTROL)
    assert len(questions) == QUESTIONS + 1
    assert 0 < found.ends.sum() < 64


@pytest.mark.parametrize(
    ("ends", "control", "why"),
    [
        (
            lambda x: "was killed by SIGKILL",
            CONTROL,
            "a row that was answered before ends it, too",
        ),  # no memory is left
        (lambda x: None, CONTROL, "a copy of the model cannot be asked"),
        (lambda x: "" if x["x"][0] < 0 else None, CONTROL, "a copy of the model cannot be asked"),
        (lambda x: "", None, "no row is on record that was answered, to ask beside them"),
    ],
)
def test_no_row_is_to_blame_where_it_cannot_be_told(ends, control, why):
    found = fatal_rows(ends, {"x": np.arange(4.0)}, control)
    assert not found.ends.any()
    assert found.unsure == why
    said = replace_fatal(a_fatal(bad=()), unsure=why).words[-1]
    assert said == f"whether one of them ends it could not be told: {why}"


def test_a_row_that_ends_it_once_is_not_to_blame():
    times = []

    def ends(inputs):
        hit = bool((inputs["x"] == 3.0).any())
        times.append(hit)
        return "was killed by SIGKILL" if hit and sum(times) <= 3 else ""

    found = fatal_rows(ends, {"x": np.arange(4.0)}, CONTROL)  # it ends all four, two, and itself, but not again
    assert sum(times) == 4
    assert not found.ends.any()
    assert not found.how


def test_no_question_begins_when_the_time_is_over():
    left = iter([True] * 5)
    found = fatal_rows(asking([0.0], []), {"x": np.arange(4.0)}, CONTROL, in_time=lambda: next(left, False))
    assert found.ends.tolist() == [True, False, False, False]
    none = fatal_rows(asking([0.0], []), {"x": np.arange(4.0)}, CONTROL, in_time=lambda: False)
    assert none.unsure == "it takes too long to ask them one by one"


def a_fatal(bad=(3,)):
    x = rows_of(8, 0)
    digests = tuple(digests_of(x, SCHEMA.names))
    return Fatal(asked=asked_of(x, np.ones(8, bool)), digests=digests, ends=np.isin(np.arange(8), bad), how="SIGSEGV")


def alarm(at):
    return Finding(
        monitor="process", metric="crash", since=at, until=at, rows=0, value=1.0, limit=0.0, alarm=True,
        detail="worker 0: it ended",
    )  # fmt: skip


@pytest.fixture
def incident():
    (incident,) = triage((), [alarm(NOW)], NOW, model="demand", version="v2")
    return incident


def explained(incident, fatal):
    champion = Release(version="v2", at=START, by="ann", replaced="v1")
    rows = Records.__new__(Records)  # what ends a process is not asked for records
    case = Case(
        schema=SCHEMA, binning=Binning(columns={}), healthy=rows, suspect=rows, champion=champion, previous=None,
        fatal=fatal,
    )  # fmt: skip
    return crash.explain(incident, case, lambda *_: {})[0]


def test_the_row_that_ends_it_each_time_is_refused(incident):
    fatal = a_fatal()
    found = explained(incident, fatal)
    assert (found.cause, found.repair.remedy) == (Cause.CRASH, Remedy.ISOLATE)
    assert found.repair.isolation.rows == (fatal.digests[3],)
    assert "of r3 ends it (SIGSEGV), and 7 do not" in " ".join(found.evidence)


def test_a_process_that_ended_for_no_row_is_restarted(incident):
    found = explained(incident, a_fatal(bad=()))
    assert (found.cause, found.repair.remedy) == (Cause.CRASH, Remedy.RESTART)
    assert "no request is to blame" in " ".join(found.evidence)


def under(incident, **changes):
    repair = Repair(
        id="i", remedy=Remedy.ISOLATE, subject="row", isolation=Isolation(id="i", version="v2", rows=("a",))
    )
    applied = replace(repair, applied=NOW, **changes)
    return replace(incident, status=IncidentStatus.MENDING, repair=applied), applied


def test_it_helps_when_nothing_ends_any_more(incident):
    assert keeps_up(*under(incident), NOW + SETTLED / 2)[0] is None
    assert keeps_up(*under(incident), NOW + SETTLED)[0] is True
    verdict, why = keeps_up(*under(incident, stopped=2), NOW + SETTLED / 2)
    assert (verdict, why) == (True, "2 requests with these rows were refused, and no process ended since")


def test_it_does_not_help_when_a_process_ends_all_the_same(incident):
    later = alarm(NOW + timedelta(minutes=6))
    (incident,) = triage((incident,), [later], NOW, model="demand", version="v2")
    assert keeps_up(*under(incident, stopped=2), NOW + SETTLED)[0] is False


def test_what_was_asked_before_every_worker_refused_it_is_nothing_against_it(incident):
    (incident,) = triage((incident,), [alarm(NOW + timedelta(minutes=1))], NOW, model="demand", version="v2")
    assert keeps_up(*under(incident), NOW + SETTLED)[0] is True


def test_what_ends_while_rows_are_held_is_another_incident(incident):
    held = replace(under(incident)[0], status=IncidentStatus.HELD)
    later = alarm(NOW + timedelta(hours=1))
    old, new = triage((held,), [later], NOW, model="demand", version="v2")
    assert (old, new.subject) == (held, "worker 0")


@given(st.floats(), st.sampled_from(["a", "b\0", ""]), st.none() | st.just("x"))
def test_equal_rows_have_equal_digests_and_others_other_ones(x, town, sky):
    def of(*values):
        return digests_of({"x": np.array([values[0]]), "t": np.array([values[1]], object)}, ("x", "t"))[0]

    assert of(x, town) == of(x, town)
    assert of(1.5, town) != of(2.5, town)
    assert of(1.5, sky) != of(1.5, "None")
