"""Which rows a refit learns: what contests say, and how often they say the wrong thing."""

import numpy as np
import pytest

from setpoint.domain.rollout import Contest
from setpoint.update.window import ENOUGH, KEPT, Window, contest, late, settled


def losses(rng: np.random.Generator, better: float, rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Losses of a candidate of the latest rows, and of one of all rows that is better by a share of them."""
    latest = rng.gamma(4.0, 0.25, rows)
    return latest, latest * (1 - better) + rng.normal(0, 0.3, rows)


def found_out(seed: int, better: float) -> Window | None:
    rng, contests = np.random.default_rng(seed), list[Contest | None]()
    while settled(contests) is None:
        contests.append(contest(*losses(rng, better)))
    return settled(contests)


@pytest.mark.parametrize(("better", "right"), [(0.1, 0.97), (0.03, 0.80), (0.0, 0.35)])
def test_the_better_window_is_found_out(better: float, right: float) -> None:
    windows = [found_out(seed, better) for seed in range(100)]
    assert np.mean([w is Window.ALL for w in windows]) >= right
    worse = [found_out(seed, -better) for seed in range(100)]
    assert np.mean([w is Window.LATEST for w in worse]) >= right


def test_a_sure_contest_is_enough_and_of_others_two() -> None:
    sure, unsure = Contest(gain=0.1, low=0.05, high=0.15, rows=100), Contest(gain=0.1, low=-0.05, high=0.25, rows=100)
    assert settled([]) is settled([None]) is settled([unsure]) is None
    assert settled([sure]) is settled([unsure, None, unsure]) is Window.ALL
    assert settled([Contest(gain=-0.1, low=-0.2, high=0.02, rows=50)] * ENOUGH) is Window.LATEST


def test_a_contest_of_long_ago_is_held_again() -> None:
    sure = Contest(gain=0.1, low=0.05, high=0.15, rows=100)
    assert settled([sure, *[None] * (KEPT - 1)]) is Window.ALL
    assert settled([sure, *[None] * KEPT]) is None


def test_a_contest_without_rows_says_nothing() -> None:
    nothing = np.full(10, np.nan)
    assert settled([contest(nothing, nothing), contest(np.zeros(20), np.ones(20))]) is None


def test_where_outcomes_come_later_than_a_contest_reaches_all_rows_are_learnt() -> None:
    time = np.arange(100) * np.timedelta64(1, "h")
    assert [late(time, time + np.timedelta64(hours, "h")) for hours in (0, 90, 110)] == [False, False, True]
    assert not late(time[:0], time[:0])
    lost = Contest(gain=-0.1, low=-0.12, high=-0.08, rows=50)
    assert settled([lost]) is Window.LATEST
    assert settled([lost], late=True) is settled([], late=True) is Window.ALL
