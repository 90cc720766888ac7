"""The interval of a mean over one stretch: what it covers, which luck it knows, and what it sees."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter

from setpoint.stats.paired import Interval
from setpoint.stats.stretch import FEWEST_PARTS, parts, stretch_interval

RUNS = 300
SLACK = 0.04  # three standard errors of a share of 5 % in 300 runs


def autoregressive(correlation: float, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    noise = rng.standard_normal(rows)
    noise[0] /= math.sqrt(1 - correlation**2)
    return np.asarray(lfilter([1], [1, -correlation], noise))


def covers(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def naive(gains: NDArray[np.float64], truth: float) -> bool:
    return bool(abs(gains.mean() - truth) <= 1.96 * gains.std() / math.sqrt(len(gains)))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 0.99, 0.995])
@pytest.mark.parametrize("rows", [600, 10_000])
def test_it_covers_what_could_be_expected_of_each_part_when_it_began(correlation: float, rows: int) -> None:
    """Nominal 95 %, whatever the memory: the truth is what the row before a part tells of it, weighed by its rows."""
    held = plain = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        series, starts = autoregressive(correlation, rows + 1, rng), rng.integers(1, rows, 9).tolist()
        cuts = parts(rows, starts)
        ahead = correlation * (1 - correlation ** np.diff(cuts)) / (1 - correlation)
        truth = float((series[cuts[:-1]] * ahead).sum()) / rows
        held += covers(stretch_interval(series[1:], starts), truth)
        plain += naive(series[1:], truth)
    assert held / RUNS >= 0.95 - SLACK
    assert correlation == 0 or plain / RUNS < 0.85


@pytest.mark.parametrize("correlation", [0.5, 0.9])
def test_where_the_memory_is_short_it_covers_the_long_run_mean(correlation: float) -> None:
    rng = np.random.default_rng(1)
    assert sum(covers(stretch_interval(autoregressive(correlation, 600, rng)), 0) for _ in range(RUNS)) / RUNS >= 0.91


@pytest.mark.parametrize("kind", ["walk", "waves", "steps", "growth"])
def test_it_covers_the_mean_of_a_level_that_moves(kind: str) -> None:
    rows, held, plain = 2_000, 0, 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        at = np.linspace(0, 1, rows)
        level = {
            "walk": lambda: np.cumsum(rng.normal(size=rows)) * 2 / math.sqrt(rows),  # noqa: B023
            "waves": lambda: np.sin(9 * at + rng.uniform(0, 7)),  # noqa: B023
            "steps": lambda: np.sum([rng.normal() * (at > rng.uniform()) for _ in range(4)], axis=0),  # noqa: B023
            "growth": lambda: np.maximum(1.5 * at - 0.5, 0),  # noqa: B023
        }[kind]()
        gains = level + autoregressive(0.5, rows, rng)
        held += covers(stretch_interval(gains, rng.integers(1, rows, 12).tolist()), level.mean())
        plain += naive(gains, level.mean())
    assert held / RUNS >= 0.95
    assert plain / RUNS < 0.9


@pytest.mark.parametrize("eras", [6, 12, 25])
def test_a_lead_that_chance_gives_to_either_side_in_each_era_is_seldom_called_a_gain(eras: int) -> None:
    """Equal policies, eras of any length, leads of any size: nominal 5 %; the dummy is wrong nearly always."""
    wrong = plain = 0
    for seed in range(RUNS):
        rng, rows = np.random.default_rng(seed), 2_500
        starts = np.sort(rng.choice(np.arange(50, rows - 50), eras - 1, replace=False))
        lead = rng.uniform(0.2, 1.5, eras) * rng.choice([-1, 1], eras)
        gains = np.repeat(lead, np.diff([0, *starts, rows])) + autoregressive(0.5, rows, rng)
        wrong += not covers(stretch_interval(gains, starts.tolist()), 0)
        plain += not naive(gains, 0)
    assert wrong / RUNS <= 0.05 + SLACK
    assert plain / RUNS > 0.6


def test_a_gain_that_grows_is_seen_where_many_versions_made_it() -> None:
    """Nothing for a third of the rows, then more and more: as where a model ages and the other does not."""
    seen = 0
    for seed in range(100):
        rng, rows = np.random.default_rng(seed), 5_000
        gains = np.maximum(np.linspace(-1, 2, rows), 0) + autoregressive(0.5, rows, rng)
        seen += stretch_interval(gains, rng.integers(1, rows, 20).tolist()).low > 0
    assert seen >= 75


@given(st.integers(8, 500), st.lists(st.integers(-5, 600), max_size=40))
def test_parts_cover_all_rows_once_and_bound_the_mean(rows: int, starts: list[int]) -> None:
    cuts = parts(rows, starts).tolist()
    assert (cuts[0], cuts[-1]) == (0, rows)
    assert all(a < b for a, b in pairwise(cuts))
    assert len(cuts) > FEWEST_PARTS
    gains = np.random.default_rng(rows).normal(size=rows)
    found = stretch_interval(gains, starts)
    assert math.isfinite(found.low)
    assert found.low <= found.mean <= found.high


def test_parts_begin_where_something_began() -> None:
    starts = [10, 30, 50, 60, 80, 90]
    assert parts(100, starts).tolist() == [0, *starts, 100]


def test_rows_before_anything_began_are_no_luck() -> None:
    gains = np.r_[np.zeros(400), 1 + np.random.default_rng(3).normal(size=600)]
    found, later = stretch_interval(gains, [400]), stretch_interval(gains[400:])
    assert (found.rows, found.mean, found.low) == (1_000, pytest.approx(0.6 * later.mean), 0.6 * later.low)
    assert found.low > 0 > stretch_interval(gains).low
    assert stretch_interval(np.r_[np.zeros(97), 1, 2, 3], [97]).rows == 100


def test_a_gain_without_luck_is_what_it_is() -> None:
    assert stretch_interval(np.zeros(200), [77]) == Interval(mean=0.0, low=0.0, high=0.0, rows=200)
    always = stretch_interval(np.full(203, 0.25), [77])
    assert (always.low, always.high) == (pytest.approx(0.25), pytest.approx(0.25))
    assert stretch_interval(np.ones(7)).low == -math.inf
