"""The planted suite on small tables: every bad candidate is rejected with its reason, honest better ones pass."""

import numpy as np
import pandas as pd
import pytest

from setpoint.domain.rollout import Decision
from setpoint.domain.schema import Task
from tests.planted import Place, Stream, bad, good, judged

ROWS, CUT = 6_000, 4_000
BROKEN = {"segment": ("shop", "west"), "trigger": ("c", 9.75), "scale": "a"}


def a_stream(task: Task) -> Stream:
    """Four numbers and a text; what the truth follows turns slowly, so that an update pays."""
    rng = np.random.default_rng(5)
    X = pd.DataFrame({name: rng.normal(0, 1, ROWS) for name in "abcd"})
    X["shop"] = np.array(["north", "south", "west"], object)[rng.integers(0, 3, ROWS)]
    X["shop"] = X["shop"].astype(object)
    turn = np.linspace(0, 1.6, ROWS)
    said = 3 * X["a"] * np.cos(turn) + 3 * X["b"] * np.sin(turn) + X["c"] * (X["d"] > 0) + 2 * (X["shop"] == "south")
    noise = rng.normal(0, 1, ROWS)
    y = said + noise if task is Task.REGRESSION else (said + noise > 1).astype(float)
    return Stream(task, X, np.asarray(y, float), task, stated=("shop",), trees=40)


@pytest.fixture(scope="module", params=[Task.REGRESSION, Task.BINARY])
def stream(request: pytest.FixtureRequest) -> Stream:
    return a_stream(request.param)


def test_every_bad_candidate_is_rejected_with_its_reason(stream: Stream) -> None:
    place = Place(stream, range(CUT - 2_600, CUT - 400), range(CUT - 2_200, CUT))
    found = {planted.name: (planted.reason, judged(place, planted)[0]) for planted in bad(place, **BROKEN)}
    assert len(found) >= 16
    assert {name: v.decision for name, (_, v) in found.items() if v.decision is not Decision.REJECT} == {}
    assert {name: v.reason for name, (reason, v) in found.items() if v.reason not in reason.split(" or ")} == {}


def test_honest_candidates_that_are_better_pass(stream: Stream) -> None:
    place = Place(stream, range(400, 2_400), range(CUT - 2_000, CUT))
    future = list(range(CUT, ROWS))
    better = [p for p in good(place) if stream.loss(p.ask, future) < 0.95 * stream.loss(place.champion, future)]
    assert len(better) >= 3
    assert {p.name: v.checks for p in better if (v := judged(place, p)[0]).decision is not Decision.ACCEPT} == {}
