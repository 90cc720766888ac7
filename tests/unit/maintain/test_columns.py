"""Faults of columns are named, and quiet columns are not."""

import dataclasses

import numpy as np
import pytest

from setpoint.domain.incident import Cause, Remedy
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.maintain.hypotheses import frozen, nulls, renamed, swapped
from setpoint.maintain.investigate import investigate
from setpoint.maintain.marks import LEAST, rate_step

SINCE = 6  # rows of the suspect day before the fault begins
COLUMNS = (nulls, renamed, frozen, swapped)


def broken(case, **columns):
    """Return the case with other inputs on its suspect rows, as a function of what was sent."""
    sent = dict(case.suspect.inputs)
    for name, change in columns.items():
        sent[name] = np.concatenate([sent[name][:SINCE], change(case.suspect.inputs)[SINCE:]])
    return dataclasses.replace(case, suspect=dataclasses.replace(case.suspect, inputs=sent))


FAULTS = {
    Cause.NULL: ({"temp": lambda x: np.where(np.arange(24) % 3 == 0, np.nan, x["temp"])}, "temp"),
    Cause.FROZEN: ({"temp": lambda x: np.full(24, x["temp"][SINCE])}, "temp"),
    Cause.SWAPPED: ({"temp": lambda x: x["wind"], "wind": lambda x: x["temp"]}, "temp, wind"),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_a_broken_column_is_named(world, incident, finding, score, cause):
    columns, subject = FAULTS[cause]
    causes, _ = investigate(incident(finding()), broken(world(), **columns), score)
    assert (causes[0].cause, causes[0].subject) == (cause, subject)
    assert causes[0].weight > 0.9


@pytest.mark.parametrize(("cause", "remedy"), [(Cause.FROZEN, Remedy.IMPUTE), (Cause.SWAPPED, Remedy.SWAP_BACK)])
def test_its_repair_is_proven_by_scoring_again(world, incident, finding, score, cause, remedy):
    columns, _ = FAULTS[cause]
    _, repair = investigate(incident(finding()), broken(world(), **columns), score)
    assert repair is not None
    assert repair.remedy is remedy
    assert repair.loss_expected < 0.5 * repair.loss_before


def test_columns_that_broke_together_are_one_fault(world, incident, finding, score):
    gone = {name: lambda x: np.full(24, np.nan) for name in ("temp", "hum")}
    causes, _ = investigate(incident(finding()), broken(world(), **gone), score)
    assert (causes[0].cause, set(causes[0].subject.split(", "))) == (Cause.NULL, {"temp", "hum"})


def test_a_fault_that_is_over_says_so(world, incident, finding, score):
    case = broken(world(), temp=lambda x: np.where(np.arange(24) < 12, np.nan, x["temp"]))
    (found,) = nulls.explain(incident(finding()), case, score)
    assert found.evidence[-1] == "the newest rows are as they should be again"


def levels_case(case, day):
    """Return the case with a column of levels beside its numbers."""
    rng = np.random.default_rng(3)
    feature = Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("clear", "rain"))
    names = np.array(["clear", "rain"], dtype=object)
    before, now = (
        dataclasses.replace(rows, inputs={**rows.inputs, "sky": sky})
        for rows, sky in ((case.healthy, rng.choice(names, len(case.healthy))), (case.suspect, day))
    )
    schema = Schema(features=(*case.schema.features, feature), target="demand", task=Task.REGRESSION)
    return dataclasses.replace(case, schema=schema, healthy=before, suspect=now)


def test_levels_that_were_never_seen_are_named(world, incident, finding, score):
    case = levels_case(world(), np.array(["CLEAR", "rain"] * 12, dtype=object))
    causes, _ = investigate(incident(finding(column="sky")), case, score)
    assert (causes[0].cause, causes[0].subject) == (Cause.RENAMED, "sky")
    assert "'CLEAR'" in causes[0].evidence[0]


def test_quiet_columns_are_rarely_blamed(world, incident, finding, score):
    blamed = [
        e.cause
        for seed in range(40)
        for one in COLUMNS
        for e in one.explain(incident(finding()), world(seed), score)
        if e.support > 0
    ]
    assert len(blamed) <= 1  # of 40 days; a rule that blames what moved most blames 40


def test_an_onset_is_seldom_found_where_there_is_none():
    rng = np.random.default_rng(0)
    draws = [(rng.random(600) < 0.1, rng.random(200) < 0.1) for _ in range(2_000)]
    false = np.mean([rate_step(healthy, rows).ratio > 3.0 for healthy, rows in draws])
    naive = np.mean([rows[-50:].mean() - healthy.mean() > LEAST for healthy, rows in draws])
    assert false < 0.01 < naive  # the mean of the newest rows alone is beyond the floor far more often


def test_the_onset_of_a_higher_share_is_found():
    rng = np.random.default_rng(1)
    marks = np.concatenate([rng.random(100) < 0.05, rng.random(100) < 0.5])
    step = rate_step(rng.random(600) < 0.05, marks)
    assert step.onset == pytest.approx(100, abs=8)
    assert step.since == pytest.approx(0.5, abs=0.1)
    assert step.still


def test_a_share_that_healthy_stretches_reach_is_natural():
    healthy = np.zeros(600, dtype=bool)
    healthy[200:260] = True  # an outage that was nothing
    assert not rate_step(healthy, np.ones(50, dtype=bool)).risen


def test_faults_of_two_columns_do_not_keep_each_other_from_being_mended(world, incident, finding, score):
    case = broken(
        world(), temp=lambda x: 1.8 * x["temp"] + 32, wind=lambda x: np.where(np.arange(24) > 11, np.nan, x["wind"])
    )
    causes, repair = investigate(incident(finding()), case, score)
    assert {c.cause for c in causes[:2]} == {Cause.UNIT, Cause.NULL}
    assert repair is not None
    assert repair.subject == "temp"


def test_a_column_that_mostly_fails_to_come_has_no_value_that_it_stands_at():
    rng = np.random.default_rng(0)
    known, seen = rng.normal(size=2_000), np.where(np.arange(200) % 3 == 0, rng.normal(size=200), np.nan)
    assert frozen.repeating(known, seen, ()).ratio == 0.0
