"""An earlier champion comes back only where it is surely better: simulated with rows like their neighbours."""

import numpy as np
from scipy.signal import lfilter

from setpoint.update.former import better_former

ROWS, RUNS = 400, 100


def a_walk(rng: np.random.Generator, correlation: float) -> np.ndarray:
    return lfilter([np.sqrt(1 - correlation**2)], [1.0, -correlation], rng.normal(size=ROWS))


def restored(gap: float, correlation: float, *, formers: int = 3, dummy: bool = False) -> float:
    """The share of looks at which one of three formers, each `gap` of a standard deviation better, is restored."""
    rng, count = np.random.default_rng(0), 0
    for _ in range(RUNS):
        champion = 10.0 + rng.normal(size=ROWS)
        theirs = {f"v{k}": champion - gap + a_walk(rng, correlation) for k in range(formers)}
        better = any(champion.mean() > loss.mean() for loss in theirs.values())
        count += better if dummy else better_former(champion, theirs) is not None
    return count / RUNS


def test_equal_formers_stay_where_they_are() -> None:
    for correlation in (0.0, 0.7):
        assert restored(0.0, correlation) < 0.08, "three looks at 2.3 % each"
        assert restored(0.0, correlation, dummy=True) > 0.8, "who is ahead on the mean would come back nearly always"


def test_a_better_former_is_found() -> None:
    assert restored(0.5, 0.0, formers=1) > 0.95
    champion = np.full(ROWS, 10.0) + np.arange(ROWS) % 3
    former = better_former(champion, {"v1": champion - 1, "v2": champion - 2, "v3": champion + 1})
    assert former is not None
    assert (former.version, former.gain.mean, former.gain.rows) == ("v2", 2.0, ROWS)


def test_little_is_not_worth_a_change_and_few_rows_say_nothing() -> None:
    champion = np.full(ROWS, 10.0)
    assert better_former(champion, {"v1": champion - 0.05}) is None
    unknown = np.where(np.arange(ROWS) < ROWS - 40, np.nan, 1.0)
    assert better_former(champion, {"v1": unknown}) is None
    assert better_former(np.zeros(0), {"v1": np.zeros(0)}) is None
    assert better_former(champion, {}) is None
