"""The interval of a paired mean: how often it is wrong, beside one that takes rows as independent."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from setpoint.stats.paired import Interval, mean_interval, moving_mean_interval, variance_inflation


def autoregressive(correlation: float, rows: int, seed: int) -> NDArray[np.float64]:
    """An AR(1) series of mean 0 and variance 1."""
    noise = np.random.default_rng(seed).standard_normal(rows + 100) * math.sqrt(1 - correlation**2)
    series = np.zeros(rows + 100)
    for i in range(1, rows + 100):
        series[i] = correlation * series[i - 1] + noise[i]
    return series[100:]


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_a_mean_of_zero_is_seldom_called_positive(correlation: float) -> None:
    """Nominal 2.5 %; 400 series of 336 rows; the interval for independent rows fails where there is correlation."""
    ours = naive = 0
    for seed in range(400):
        x = autoregressive(correlation, 336, seed)
        ours += mean_interval(x).low > 0
        naive += x.mean() > 1.96 * x.std(ddof=1) / math.sqrt(len(x))
    assert ours / 400 <= 0.04
    if correlation:
        assert naive / 400 > 0.08


def test_a_real_gain_is_seen() -> None:
    """Half a standard deviation on 336 rows of correlation 0.5: found in most series."""
    found = sum(mean_interval(0.5 + autoregressive(0.5, 336, seed)).low > 0 for seed in range(100))
    assert found >= 95


def test_too_few_rows_bound_nothing() -> None:
    interval = mean_interval(np.ones(7))
    assert interval.low == -math.inf
    assert interval.high == math.inf


def test_equal_models_have_a_gain_of_exactly_zero() -> None:
    interval = mean_interval(np.zeros(100))
    assert (interval.mean, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_inflation_grows_with_correlation() -> None:
    """Theory: (1 + ρ) / (1 − ρ), so 1, 3 and 19."""
    medians = [np.median([variance_inflation(autoregressive(r, 2_000, s)) for s in range(30)]) for r in (0.0, 0.5, 0.9)]
    assert medians[0] < 1.5
    assert 2 < medians[1] < 5
    assert 12 < medians[2] < 30


def test_inflation_counts_what_is_left_between_short_blocks() -> None:
    """100 rows make blocks of five, far shorter than the memory of ρ = 0.9: their variance alone would say about 4."""
    median = np.median([variance_inflation(autoregressive(0.9, 100, seed)) for seed in range(60)])
    assert median > 8


def outside(interval: Interval) -> bool:
    return interval.low > 0 or interval.high < 0


@pytest.mark.parametrize("correlation", [0.0, 0.9, 0.97, 0.99, 0.995])
def test_neither_a_level_that_may_move_nor_slow_waves_are_taken_for_a_gain(correlation: float) -> None:
    """Nominal 5 %; at 0.995 600 rows have three waves, and the cubic alone would call half of them a gain."""
    runs = [autoregressive(correlation, 600, seed) for seed in range(300)]
    assert sum(outside(moving_mean_interval(run)) for run in runs) / 300 <= 0.09
    if correlation:
        assert sum(abs(run.mean()) > 1.96 * run.std() / math.sqrt(600) for run in runs) / 300 > 0.6


def test_a_lead_that_changes_sides_by_chance_is_seldom_called_a_gain() -> None:
    """Two policies of which chance says in each of 25 eras who is ahead, by half of the rows' standard deviation."""
    rng = np.random.default_rng(0)
    runs = [np.repeat(rng.choice([-0.5, 0.5], 25), 100) + autoregressive(0.5, 2_500, seed) for seed in range(200)]
    assert sum(outside(moving_mean_interval(run)) for run in runs) / 200 <= 0.08
    assert sum(abs(run.mean()) > 1.96 * run.std() / 50 for run in runs) / 200 > 0.5


def test_a_gain_that_grows_is_seen_where_a_level_that_stands_still_would_be_noise() -> None:
    """Nothing for a third of the rows, then more and more: as where a model ages and the other does not."""
    level = np.maximum(np.linspace(-1, 2, 5_000), 0)
    runs = [level + autoregressive(0.5, 5_000, seed) for seed in range(50)]
    seen = [moving_mean_interval(run) for run in runs]
    assert sum(interval.low > 0 for interval in seen) == 50
    assert sum(interval.low <= level.mean() <= interval.high for interval in seen) >= 46
    assert sum(mean_interval(run).low > 0 for run in runs) < 10
    assert moving_mean_interval(np.zeros(200)).high == 0.0
