"""Numbers that come cut down to a few values: what each of those stands for."""

import dataclasses

import numpy as np
import pytest

from setpoint.maintain.remedies import sourced_repair
from setpoint.maintain.remedies.rounded import rounded

GRID = np.array([0.0, 10.0, 20.0, 30.0])
CUT = {
    "down": lambda x: GRID[np.searchsorted(GRID, x, "right") - 1],
    "up": lambda x: np.append(GRID, 40.0)[np.searchsorted(GRID, x, "left")],
    "to the nearest": lambda x: np.append(GRID, 40.0)[np.round(x / 10).astype(int)],
}


@pytest.fixture
def meant():
    return np.random.default_rng(0).uniform(0, 40, 60)


@pytest.fixture
def healthy():
    x = np.random.default_rng(1).uniform(0, 40, 1_000)
    return {"x": x, "other": 3 * x + np.random.default_rng(2).normal(0, 1, 1_000)}


@pytest.mark.parametrize("way", CUT)
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_each_value_stands_for_what_is_cut_to_it(meant, healthy, way, share):
    some = np.random.default_rng(3).random(len(meant)) < share
    found = rounded("x", healthy, np.where(some, CUT[way](meant), meant), meant)
    for step in found.steps:
        whole = healthy["x"][CUT[way](healthy["x"]) == step.held]
        assert step.constant == pytest.approx(np.median(whole), abs=0.6)


def test_others_tell_more_than_the_usual_value(meant, healthy):
    found = rounded("x", healthy, CUT["down"](meant), meant, ("other",), 5.0)
    assert [(s.held, s.low >= s.held, s.high <= s.held + 10) for s in found.steps] == [(v, True, True) for v in GRID]
    assert all(s.peers[0].weight == pytest.approx(1 / 3, rel=0.1) for s in found.steps)
    assert found.constant == 5.0


def test_what_is_no_coarser_scale_is_told(meant, healthy):
    shuffled = np.random.default_rng(4).permutation(CUT["down"](meant))
    assert rounded("x", healthy, shuffled, meant) is None
    assert rounded("x", healthy, meant + 1.0, meant) is None
    assert rounded("x", healthy, np.zeros(len(meant)), meant) is None
    assert rounded("x", healthy, meant, meant) is None
    few = {"x": healthy["x"][:100]}
    assert rounded("x", few, CUT["down"](meant), meant) is None


def test_a_column_that_comes_cut_down_is_repaired_by_what_its_values_stand_for(world, incident, finding, score):
    case = world(2)
    rows = dataclasses.replace(case.healthy, inputs=dict(case.healthy.inputs)).take(np.arange(96))
    meant = rows.inputs["hour"]
    sent = np.floor(meant / 6) * 6
    cut = dataclasses.replace(rows, inputs={**rows.inputs, "hour": sent})
    asked = dataclasses.replace(case, suspect=cut, sourced=(cut, {"hour": meant}))
    repair, _ = sourced_repair(incident(finding("audit", "mismatch", "hour")), asked, "hour", score)
    assert len(repair.map.instead.steps) > 1
    assert "imputed where it is" in repair.proof
    off, left = (float(repair.proof.split(w)[1].split()[0]) for w in ("answers are ", "values of the source, "))
    assert left < 0.6 * off  # what is left is cut away: others say nothing of it
