"""The interval of a paired mean: how often it is wrong, beside one that takes rows as independent."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from setpoint.stats.paired import mean_interval, variance_inflation


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
