"""Training/serving skew: told by the source, held for, and over when audits are clean."""

import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from setpoint.domain.audited import Audited, Difference
from setpoint.domain.contract import fits
from setpoint.domain.incident import Cause, Remedy, Repair
from setpoint.domain.schema import Contract, DType, Feature, Kind
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
        asked = np.arange(rows) % len(meant)
        known = since.take(asked)
        return dataclasses.replace(case, suspect=since, sourced=(known, {column: meant[asked]}))

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


SEEDS = 200


def test_where_nothing_helps_hardly_one_in_forty_proofs_says_that_something_does(incident, world, score):
    """The noise in what is sent is as large as the error of what other columns tell: no choice is better than it."""
    found = []
    for seed in range(SEEDS):
        case = world(seed)
        meant = case.suspect.inputs["temp"]
        sent = meant + np.random.default_rng(seed).normal(0, 0.6 / 1.1, len(meant))
        rows = dataclasses.replace(case.suspect, inputs={**case.suspect.inputs, "temp": sent})
        asked = dataclasses.replace(case, suspect=rows, sourced=(rows, {"temp": meant}))
        repair, why = sourced_repair(incident(), asked, "temp", score)
        assert why == ""
        found.append(repair is not None)
    assert sum(found) <= SEEDS / 40


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ({"kind": Kind.NUMERIC, "dtype": DType.FLOAT}, [True, False, False, True]),
        ({"kind": Kind.NUMERIC, "dtype": DType.FLOAT, "nullable": True}, [True, True, False, True]),
        ({"kind": Kind.NUMERIC, "dtype": DType.FLOAT, "contract": Contract(high=5.0)}, [True, False, False, False]),
        ({"kind": Kind.CATEGORICAL, "dtype": DType.STRING, "levels": ("a",)}, [True, False, False, False]),
        ({"kind": Kind.CATEGORICAL, "dtype": DType.STRING, "levels": ("a",), "nullable": True}, [True, True] + 2 * [0]),
    ],
)
def test_the_model_is_asked_only_with_values_that_it_could_be_sent(feature, expected):
    text = feature["kind"] is Kind.CATEGORICAL
    column = np.array(["a", None, "b", "c"], object) if text else np.array([1.0, np.nan, np.inf, 9.0])
    assert fits(Feature(name="x", **feature), column).tolist() == expected


def source_of(case, of):
    rows, source = case.sourced
    said = source["temp"].copy()
    of(said)
    return dataclasses.replace(case, sourced=(rows, {"temp": said}))


def lost(places):
    return lambda said: said.__setitem__(places, np.nan)


def test_what_the_source_does_not_know_of_a_column_is_never_asked_of_the_model(mismatch, incident, noisy, score):
    """It has not passed the door, and the model may fail on it."""

    def picky(version, x):
        if np.isnan(x["temp"]).any():
            raise ValueError("NaN")
        return score(version, x)

    seen = incident(mismatch())
    _, repair = investigate(seen, source_of(noisy(rows=30), lost([3, 4])), picky)
    assert repair.remedy is Remedy.IMPUTE
    for places in (slice(None), slice(2, None)):
        causes, repair = investigate(seen, source_of(noisy(), lost(places)), picky)
        assert repair.remedy is Remedy.HOLD
        assert "that the model can be asked with" in causes[0].evidence[-1]


def test_a_model_that_fails_on_what_the_source_says_is_not_repaired(mismatch, incident, noisy, score):
    case = noisy()

    def failing(version, x):
        if np.array_equal(x["temp"], case.sourced[1]["temp"]):
            raise ValueError("secret 17")
        return score(version, x)

    causes, repair = investigate(incident(mismatch()), case, failing)
    assert repair.remedy is Remedy.HOLD
    assert causes[0].evidence[-1] == (
        "good failed on the audited records (ValueError): nothing is put in the place of temp"
    )
