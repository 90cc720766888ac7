"""Predicted power against that of the real rules, by simulation with fixed seeds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from setpoint.stats.blocks import step
from setpoint.stats.burn import burns
from setpoint.stats.intervals import share_low, t_quantile
from setpoint.stats.power import (
    Rule,
    at_least,
    fixed,
    interval_widths,
    least_hits,
    rows_needed,
    smallest_pace,
    smallest_share,
    step_widths,
)
from setpoint.stats.quality import measure

CLOSE = 0.045  # three standard errors of 800 runs at 80 %


def ar1(rng, reps, n, rho):
    """Unit variance, correlated from row to row."""
    noise = rng.normal(size=(reps, n + 100))
    return lfilter([1], [1, -rho], noise, axis=1)[:, 100:] * math.sqrt(1 - rho**2)


@pytest.mark.parametrize("rho", [0.0, 0.8])
@pytest.mark.parametrize(("n", "alpha"), [(100, 0.05), (800, 4e-4)])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_interval_of_a_metric_finds_what_is_predicted(n, alpha, power, rho):
    """A mean error of the predicted size is called as often as said; dependent rows find less, and it is said."""
    n *= 1 if not rho else 10  # blocks longer than the correlation
    rng, reps = np.random.default_rng(1), 800
    se = math.sqrt((1 + rho) / (1 - rho) / n)
    rule = Rule(floor=0.1, sd=se, widths=interval_widths(se, alpha, min(20, n // 4)))
    errors = ar1(rng, reps, n, rho) + rule.smallest(power)
    called = [measure("bias", np.zeros(n), row).bounds(alpha)[0] > 0.1 for row in errors]
    assert np.mean(called) == pytest.approx(power, abs=CLOSE)


def test_rows_taken_as_independent_promise_too_much():
    """The dummy: without the design effect 80 % are promised and a fifth is found."""
    n, rho = 8_000, 0.8
    naive = Rule(floor=0.0, sd=n**-0.5, widths=interval_widths(n**-0.5, 4e-4, 20))
    errors = ar1(np.random.default_rng(2), 300, n, rho) + naive.smallest(0.8)
    assert np.mean([measure("bias", np.zeros(n), row).bounds(4e-4)[0] > 0 for row in errors]) < 0.25


@pytest.mark.parametrize("blocks", [14, 28, 60])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_step_of_a_block_finds_what_is_predicted(blocks, power):
    rng, alpha, usual = np.random.default_rng(3), 1e-4, math.sqrt(1 + 1 / 28)
    rule = Rule(floor=0.5, sd=math.sqrt(1 + 1 / blocks), widths=step_widths(1.0, alpha, blocks, usual=usual))
    history, now = rng.normal(size=(blocks, 5_000)), rng.normal(size=(1, 5_000)) + rule.smallest(power)
    found = step(history, now, usual)
    assert np.mean(found.effect - t_quantile(alpha, blocks - 1) * found.se > 0.5) == pytest.approx(power, abs=0.02)


@given(st.integers(1, 5_000), st.floats(0.0, 0.9), st.sampled_from([0.05, 1e-3, 1e-7]))
def test_the_fewest_hits_are_those_of_the_bound(rows, limit, alpha):
    hits = least_hits(rows, limit, alpha)
    if hits is None:
        assert share_low(rows, rows, alpha) <= limit
    else:
        assert share_low(hits, rows, alpha) > limit
        assert share_low(hits - 1, rows, alpha) <= limit


@pytest.mark.parametrize("rows", [60, 1_000, 50_000])
def test_the_smallest_share_is_exact(rows):
    """scipy's binomial distribution says the same of the very rule."""
    share = smallest_share(rows, 0.02, 1e-5, 0.8)
    hits = least_hits(rows, 0.02, 1e-5)
    assert stats.binom.sf(hits - 1, rows, share) == pytest.approx(0.8)
    assert at_least(hits, rows, share) == pytest.approx(0.8)
    assert smallest_share(3, 0.02, 1e-7) == math.inf


@pytest.mark.parametrize("rate", [14.4, 6.0, 1.0])
def test_a_burn_is_found_at_least_as_often_as_predicted(rate):
    rng, rows, short, allowed, alpha = np.random.default_rng(4), 20_000, 2_000, 0.001, 1e-5
    share = smallest_pace(rows, short, allowed, rate, alpha)
    now, earlier = rng.binomial(short, share, 20_000), rng.binomial(rows - short, share, 20_000)
    called = burns(now + earlier, rows, now / short, allowed, rate, alpha).mean()
    assert 0.79 < called < 0.9


@pytest.mark.parametrize("change", [0.2, 0.05])
def test_rows_needed_are_the_fewest_that_find_a_change(change):
    def smallest(n):
        se = n**-0.5
        return Rule(floor=0.0, sd=se, widths=interval_widths(se, 1e-3, min(20, n // 4))).smallest()

    rows = rows_needed(smallest, change)
    assert smallest(rows) <= change
    assert smallest(int(rows * 0.98) - 1) > change
    assert rows_needed(smallest, 0.0) is None


def test_no_test_without_blocks_or_variance():
    assert Rule(floor=0.1, sd=1.0, widths=interval_widths(1.0, 0.01, 1)).smallest() == math.inf
    assert Rule(floor=0.1, sd=1.0, widths=step_widths(1.0, 0.01, 0)).smallest() == math.inf
    assert Rule(floor=0.1, sd=0.0, widths=fixed(0.2)).smallest() == pytest.approx(0.3)
