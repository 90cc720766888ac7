"""An earlier champion comes back only where it is surely better: simulated with rows like their neighbours."""

import numpy as np
import pytest
from scipy.signal import lfilter

from setpoint.update.former import ALPHA, better_former, look_due, looked_back_on

UNIT, UNITS, RUNS = 60, 16, 500


def a_walk(rng: np.random.Generator, correlation: float) -> np.ndarray:
    rows = UNIT * UNITS
    return lfilter([np.sqrt(1 - correlation**2)], [1.0, -correlation], rng.normal(size=rows))


def restored(gap: float, correlation: float, *, formers: int = 3, dummy: bool = False) -> float:
    """The share of champions that are taken back, ever, for one of three formers, each `gap` of a deviation better.

    The dummy looks after each unit, each time with 2.3 % a former.
    """
    rng, count = np.random.default_rng(0), 0
    for _ in range(RUNS):
        champion = 10.0 + rng.normal(size=UNIT * UNITS)
        theirs = {f"v{k}": champion - gap + a_walk(rng, correlation) for k in range(formers)}
        count += any(
            taken_back(champion[:end], {v: x[:end] for v, x in theirs.items()}, dummy)
            for end in range(UNIT, UNIT * UNITS + 1, UNIT)
        )
    return count / RUNS


def taken_back(champion: np.ndarray, theirs: dict[str, np.ndarray], dummy: bool) -> bool:
    if dummy:
        means = [(champion - x)[-6 * UNIT :] for x in theirs.values()]
        return any(g.mean() > 2 * g.std() / np.sqrt(len(g)) for g in means)
    look = look_due(len(champion), len(champion) - UNIT, UNIT)
    return look is not None and better_former(champion, theirs, look=look) is not None


@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_equal_formers_stay_where_they_are_however_long_they_are_looked_back_on(correlation: float) -> None:
    assert restored(0.0, correlation) <= ALPHA
    assert restored(0.0, correlation, dummy=True) > 0.4, "looks that share nothing bring one back sooner or later"


def test_a_better_former_is_found() -> None:
    assert restored(0.3, 0.0, formers=1) > 0.95
    champion = np.full(400, 10.0) + np.arange(400) % 3
    former = better_former(champion, {"v1": champion - 1, "v2": champion - 2, "v3": champion + 1}, look=1)
    assert former is not None
    assert (former.version, former.gain.mean, former.gain.rows) == ("v2", 2.0, 400)


def test_a_look_is_due_when_the_new_outcomes_have_doubled() -> None:
    looks = {n: look_due(n, n - 1, 10) for n in range(1, 50)}
    assert {n: look for n, look in looks.items() if look} == {10: 1, 20: 2, 40: 3}
    assert look_due(45, 5, 10) == 3
    assert look_due(0, 0, 10) is None


def test_the_first_champion_and_the_last_three_are_looked_back_on_each_once() -> None:
    assert looked_back_on(["v1", "v2", "v3", "v4", "v3", "v5"]) == ("v1", "v4", "v3", "v5")
    assert looked_back_on(["v1"]) == ("v1",)
    assert looked_back_on([]) == ()


def test_little_is_not_worth_a_change_and_few_rows_say_nothing() -> None:
    champion = np.full(400, 10.0)
    assert better_former(champion, {"v1": champion - 0.05}, look=1) is None
    unknown = np.where(np.arange(400) < 400 - 40, np.nan, 1.0)
    assert better_former(champion, {"v1": unknown}, look=1) is None
    assert better_former(np.zeros(0), {"v1": np.zeros(0)}, look=1) is None
    assert better_former(champion, {}, look=1) is None
