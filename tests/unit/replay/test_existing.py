"""Outcomes that exist under some answers alone: counted, weighed or refused."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from setpoint.config import OutcomesPart
from setpoint.errors import InvalidInput
from setpoint.loop.replay.existing import account, check, exists, notes, propensities, weights_of
from setpoint.loop.replay.verdict import gain_of

PART = OutcomesPart(exist_when="probability < 0.5")


def masks(*bits: str) -> list[Any]:
    return [np.array([bit == "1" for bit in text]) for text in bits]


def test_a_condition_is_about_what_was_asked_and_answered() -> None:
    inputs = {"age": np.array([20.0, 70.0, np.nan])}
    outputs = {"label": np.array(["no", "no", "yes"], object), "probability": np.array([0.2, 0.3, 0.9])}
    assert exists("label == 'no' and age > 30", inputs, outputs).tolist() == [False, True, False]
    assert exists("probability < 0.25 or age is None", inputs, outputs).tolist() == [True, False, True]
    assert exists(None, inputs, outputs).all()
    with pytest.raises(InvalidInput, match="did you mean 'label'"):
        exists("labell == 'no'", inputs, outputs)


def test_rows_are_counted_by_what_the_answers_would_have_changed() -> None:
    would, recorded = masks("11100", "11010")
    found = account(PART, would, recorded, None, None)
    assert (found.recorded, found.hidden, found.missing) == (3, 1, 1)
    (said,) = notes({"strict": found})
    assert "strict: of 5 rows 3 have an outcome on record; 1 of these it would not have brought about" in said


def test_too_many_missing_outcomes_are_refused_and_said_what_to_do() -> None:
    would, recorded = np.ones(1_000, bool), np.arange(1_000) >= 30
    with pytest.raises(InvalidInput, match=r"30 of the 1,000 rows .* \(3.0%\) have none on record.*propensity"):
        check("setpoint", account(PART, would, recorded, None, None))
    check("setpoint", account(PART, would, np.arange(1_000) >= 10, None, None))
    check("setpoint", account(PART, recorded, recorded, None, None))


def test_what_could_never_have_been_recorded_cannot_be_weighed() -> None:
    would, recorded = np.ones(1_000, bool), np.arange(1_000) >= 30
    p = np.where(recorded, 0.9, 0.0)
    with pytest.raises(InvalidInput, match="no recorded row can stand for them"):
        check("setpoint", account(PART, would, recorded, p, weights_of(p, recorded)))
    p = np.full(1_000, 0.9)
    check("setpoint", account(PART, would, recorded, p, weights_of(p, recorded)))


@pytest.mark.parametrize(
    ("p", "says"), [([0.5, 1.2], "1 rows are wrong"), ([0.0, 0.5], "above 0"), ([None, 1.0], "nan")]
)
def test_what_is_no_probability_is_refused(p: list[float | None], says: str) -> None:
    part = OutcomesPart(exist_when="probability < 0.5", propensity="p")
    with pytest.raises(InvalidInput, match=says):
        propensities(part, pa.table({"p": pa.array(p, pa.float64())}), np.arange(2), np.array([True, True]))


def test_weights_find_the_gain_that_selection_hides() -> None:
    """Good loans were granted more often, and the new policy is better on bad ones: unweighed, most of that is lost.

    The interval covers the true gain in about 95 % of 200 worlds; that without weights in none.
    """
    rng, covered, plain, runs = np.random.default_rng(3), 0, 0, 200
    for _ in range(runs):
        risk = rng.uniform(size=2_000)
        never = rng.exponential(1, 2_000)
        ours = never - 0.4 * risk + rng.normal(0, 0.3, 2_000)
        p = 0.95 - 0.85 * risk
        recorded = rng.uniform(size=2_000) < p
        losses = [np.where(recorded, x, np.nan) for x in (ours, never)]
        weighed, unweighed = gain_of(*losses, weight=weights_of(p, recorded)), gain_of(*losses)
        assert weighed is not None
        assert unweighed is not None
        covered += weighed.low <= 0.2 <= weighed.high
        plain += unweighed.low <= 0.2 <= unweighed.high
    assert covered / runs > 0.9
    assert plain / runs < 0.05
