"""Training/serving skew: told by the source, held for, and over when audits are clean."""

import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.audited import Audited, Difference
from setpoint.domain.incident import Cause, Remedy, Repair
from setpoint.domain.value import replace
from setpoint.maintain.clean import clean_again, trusted_again
from setpoint.maintain.investigate import investigate
from setpoint.maintain.remedies import sourced_repair
from setpoint.maintain.triage import triage

DAY = timedelta(days=1)


@pytest.fixture
def mismatch(finding):
    """Return a function: an alarm that half of a column's values are not what their source says."""

    def of(column="temp", kind="", **more):
        said = {"rows": 24, "value": 0.5, "limit": 0.05, "detail": "12 of 24", "examples": ("r7",), **more}
        return finding("audit", "mismatch", column, kind=kind, **said)

    return of


def test_a_skew_is_named_with_its_column_and_records_and_holds(mismatch, incident, world, score):
    causes, repair = investigate(incident(mismatch("wind"), subject="wind"), world(), score)
    assert (causes[0].cause, causes[0].subject) == (Cause.SKEW, "wind")
    assert causes[0].weight > 0.9
    assert "records r7" in causes[0].evidence[0]
    assert repair.remedy is Remedy.HOLD
    assert repair.subject == "wind"


def test_a_fault_that_makes_just_these_differences_is_mended_instead(mismatch, incident, finding, world, score):
    seen = incident(finding(column="temp"), mismatch("temp", kind="unit"))
    causes, repair = investigate(seen, world(column="temp", scale=1.8, offset=32.0), score)
    assert causes[0].cause is Cause.UNIT
    assert repair.remedy is Remedy.INVERSE_MAP
    assert Cause.SKEW in {c.cause for c in causes}


def test_an_audit_joins_the_incident_of_its_column(mismatch, finding):
    first, later = finding(column="temp"), mismatch("temp")
    known = triage((), [first], first.until, model="demand", version="v1")
    (one,) = triage(known, [later], later.until, model="demand", version="v1")
    assert {f.monitor for f in one.findings} == {"drift", "audit"}


@pytest.fixture
def held(incident, mismatch):
    """An incident whose rows are held for, and the audits up to then: clean, then half wrong."""
    one = incident(mismatch(), subject="temp")
    repair = replace(hold(one), applied=one.since + DAY)
    before = [audit_at(one.since + k * DAY, 12 if k > 0 else 0) for k in (-3, -2, -1, 0.9)]
    return replace(one, repair=repair), before


def hold(one):
    return Repair(id=f"{one.id}-hold", remedy=Remedy.HOLD, subject="temp")


def audit_at(at, differ, rows=24):
    found = (Difference(column="temp", rows=differ, first=at - DAY / 4, ids=("r1",)),) if differ else ()
    return Audited(at=at, since=at - DAY / 2, until=at - DAY / 8, rows=rows, columns=("temp", "wind"), differ=found)


@pytest.mark.parametrize(
    ("differ", "verdict"), [((), None), ((11,), None), ((0,), True), ((11, 0), True), ((0, 11), None)]
)
def test_the_hold_ends_when_the_newest_audits_are_clean(held, differ, verdict):
    one, audits = held
    for k, n in enumerate(differ):
        audits.append(audit_at(one.repair.applied + (k + 1) * DAY, n))
    assert trusted_again(one, audits, audits[-1].at)[0] is verdict


def test_a_hold_for_a_skew_does_not_last_for_ever(held):
    one, audits = held
    verdict, why = trusted_again(one, audits, one.repair.applied + 29 * DAY)
    assert verdict is False
    assert "28 days" in why


def test_audits_are_clean_again_though_those_from_before_the_repair_are_no_longer_kept(held, mismatch):
    one, _ = held
    newest = [audit_at(one.repair.applied + k * DAY, 12 * (k < 70)) for k in range(68, 73)]
    assert not clean_again(one, newest[:2])[0]
    assert clean_again(one, newest)[0]
    whole = replace(one, findings=(mismatch(value=1.0),))  # now in half of the values
    assert not clean_again(whole, newest[:2])[0]
    assert clean_again(whole, newest)[0]


@pytest.fixture
def noisy(world):
    """Return a case: a column comes with an error of its own in each row, and its source was asked."""

    def of(column="temp", rows=24):
        case = world()
        meant, since = case.suspect.inputs[column], case.suspect
        sent = meant + np.random.default_rng(0).normal(0, 10, len(meant))
        since = dataclasses.replace(since, inputs={**since.inputs, column: sent})
        known = since.take(np.arange(rows))
        return dataclasses.replace(case, suspect=since, sourced=(known, {column: meant[:rows]}))

    return of


def test_a_skew_is_mended_where_answers_come_surely_nearer_to_those_of_the_source(mismatch, incident, noisy, score):
    _, repair = investigate(incident(mismatch()), noisy(), score)
    assert repair.remedy is Remedy.IMPUTE
    assert repair.cause is Cause.SKEW
    assert "felt" in {p.feature for p in repair.map.instead.peers}
    assert "from those with the values of the source" in repair.proof


@pytest.mark.parametrize("more", [{"column": "wind"}, {"rows": 12}])
def test_a_skew_is_held_for_where_nothing_is_surely_nearer(mismatch, incident, noisy, score, more):
    _, repair = investigate(incident(mismatch(more.get("column", "temp"))), noisy(**more), score)
    assert repair.remedy is Remedy.HOLD


def test_what_the_source_says_of_healthy_rows_asks_for_no_repair(incident, world, score):
    """One in forty intervals lies above zero by chance; here nothing differs, so none does."""
    for seed in range(20):
        case = world(seed)
        asked = dataclasses.replace(case, sourced=(case.suspect, {"temp": case.suspect.inputs["temp"]}))
        assert sourced_repair(incident(), asked, "temp", score) is None
