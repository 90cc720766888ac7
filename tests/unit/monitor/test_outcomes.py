"""Why quality fell: the share of outcomes moved, or they relate to the score in another way; quiet when all is well."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit, logit

from setpoint.domain.classes import Classes
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace
from setpoint.monitor.outcomes import outcomes

BINARY = Schema(
    features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.BINARY, classes=(0, 1)
)
NUMBER = Schema(features=BINARY.features, target="y", task=Task.REGRESSION)
DAILY, DAYS = 300, 35


def labelled(seen, score, outcome):
    """Return five weeks of rows up to a look."""
    n = len(score)
    time = stamp(seen.now) - ((np.arange(n)[::-1] + 1) * (DAYS * 86_400e6 / max(n, 1))).astype("timedelta64[us]")
    text = np.full(n, "v1", object)
    return Records(
        id=np.arange(n).astype(str).astype(object), time=time, version=text, score=score, outcome=outcome, known=time,
        latency_us=np.full(n, 1), maps=np.full(n, "", object), inputs={},
    )  # fmt: skip


@pytest.fixture
def called(look, stream):
    """Return a function: what is called in the last week of scores and outcomes."""
    plain = replace(look(stream, 24 * 200), looks_per_year=365.0)

    def of(schema, score, outcome):
        seen = replace(plain, schema=schema, labelled=labelled(plain, score, outcome))
        return {f.kind for f in outcomes(seen) if f.alarm}

    return of


def classes(rng, change=lambda p, x: p, moved=0.0):
    """Draw a calibrated classifier's scores and outcomes; in the last week the truth is another one."""
    x = rng.normal(size=DAILY * DAYS)
    late = np.arange(len(x)) >= DAILY * (DAYS - 7)
    x = x + moved * late
    p = expit(1.5 * x - 0.5)
    return p, (rng.random(len(x)) < np.where(late, change(p, x), p)).astype(np.float64)


def test_well_weeks_are_quiet(called):
    rng = np.random.default_rng(0)
    assert [called(BINARY, *classes(rng)) for _ in range(40)] == [set()] * 40


def test_outcomes_that_wander_are_quiet(called):
    """Daily levels that follow the score, and errors that hang together: a z test at 5 % would alarm in most weeks."""
    rng, z = np.random.default_rng(1), 0
    for _ in range(40):
        noise = np.zeros(DAILY * DAYS)
        steps = rng.normal(size=len(noise))
        for i in range(1, len(noise)):
            noise[i] = 0.98 * noise[i - 1] + steps[i]
        score = rng.normal(100, 20, len(noise))
        assert called(NUMBER, score, score + noise) == set()
        week = noise[-7 * DAILY :]
        z += abs(week.mean()) > 1.96 * week.std() / np.sqrt(len(week))
    assert z > 20


def test_one_factor_on_all_odds_is_prior(called):
    rng = np.random.default_rng(2)
    found = [called(BINARY, *classes(rng, lambda p, x: expit(logit(p) + 1.2))) for _ in range(20)]
    assert found == [{"prior"}] * 20


def test_a_relation_that_turned_is_concept(called):
    rng = np.random.default_rng(3)
    found = [called(BINARY, *classes(rng, lambda p, x: expit(-1.5 * x - 0.5))) for _ in range(20)]
    assert all("concept" in kinds for kinds in found)


def test_inputs_that_move_with_the_outcomes_are_no_concept(called):
    rng = np.random.default_rng(4)
    found = [called(BINARY, *classes(rng, moved=1.0)) for _ in range(20)]
    assert found == [{"prior"}] * 20


def test_another_law_of_a_number_is_concept(called):
    rng = np.random.default_rng(5)
    score = rng.normal(100, 20, DAILY * DAYS)
    late = np.arange(len(score)) >= DAILY * (DAYS - 7)
    outcome = np.where(late, 150 - 0.5 * score, score) + rng.normal(0, 10, len(score))
    assert "concept" in called(NUMBER, score, outcome)


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_too_few_outcomes_say_nothing(rows, called):
    assert called(BINARY, np.full(rows, 0.5), np.ones(rows)) == set()


def test_one_class_and_one_score_say_nothing(called):
    n = DAILY * DAYS
    assert called(BINARY, np.full(n, 0.5), np.ones(n)) == set()


def several(rng, shares, late_shares=None):
    """Draw a calibrated classifier of three; in the last week its classes have other shares."""
    n = DAILY * DAYS
    late = np.arange(n) >= DAILY * (DAYS - 7)
    truth = np.where(late, rng.choice(3, n, p=late_shares or shares), rng.choice(3, n, p=shares)).astype(float)
    decided = np.where(rng.random(n) < 0.8, truth, rng.integers(0, 3, n))
    return Classes(decided=decided, truth=truth, probabilities=np.empty((n, 0)))


@pytest.mark.parametrize(("late", "found"), [(None, set()), ((0.35, 0.35, 0.3), {"prior"})])
def test_of_several_classes_the_share_of_each_is_compared(look, stream, late, found):
    schema = Schema(features=BINARY.features, target="y", task=Task.MULTICLASS, classes=("a", "b", "c"))
    plain = replace(look(stream, 24 * 200), looks_per_year=365.0)
    rows = several(np.random.default_rng(5), (0.5, 0.2, 0.3), late)
    judged = dataclasses.replace(labelled(plain, np.full(len(rows.truth), 0.8), rows.right), classes=rows)
    alarms = [f for f in outcomes(replace(plain, schema=schema, labelled=judged)) if f.alarm]
    assert {f.kind for f in alarms} == found
    assert all(f.detail.startswith(("share of 'a' ", "share of 'b' ")) for f in alarms)
