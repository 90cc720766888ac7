"""Whether a column's values belong to the rest of their rows: error rates."""

import dataclasses

import numpy as np
import pytest

from setpoint.maintain.carried import carried


def moved(world, seed, *, along):
    """Return a case whose newest temperatures are those of warmer hours; the rest of the rows, too, or not."""
    case = world(seed)
    rng, past = np.random.default_rng(seed), case.healthy
    warm = np.flatnonzero(past.inputs["temp"] > np.quantile(past.inputs["temp"], 0.6))
    rows = np.resize(rng.permutation(warm), 200)
    suspect = past.take(rows if along else rng.integers(len(past), size=200))
    if not along:
        suspect = dataclasses.replace(suspect, inputs={**suspect.inputs, "temp": past.inputs["temp"][rows]})
    return dataclasses.replace(case, suspect=dataclasses.replace(suspect, time=past.time[-200:]))


@pytest.mark.parametrize("along", [True, False])
def test_rows_that_moved_together_are_told_from_a_column_sent_otherwise(world, along):
    found = [carried(moved(world, seed, along=along), "temp") for seed in range(20)]
    right = [one is not None and (one.support > 0) is along for one in found]
    assert np.mean(right) >= 0.95
    assert "foretells" in found[0].words


def test_a_column_that_foretells_no_other_tells_nothing(world):
    said = []
    for seed in range(40):
        case = moved(world, seed, along=True)
        rng = np.random.default_rng(seed)
        wind = rng.gamma(2, 6, len(case.suspect)) + 10
        one = carried(
            dataclasses.replace(
                case, suspect=dataclasses.replace(case.suspect, inputs={**case.suspect.inputs, "wind": wind})
            ),
            "wind",
        )
        said.append(one is not None and abs(one.support) > 2)
    assert np.mean(said) <= 0.1
