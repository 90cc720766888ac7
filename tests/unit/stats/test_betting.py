"""Betting row by row: false alarms under a look at every row, beside tests that are not made for it; and its speed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from setpoint.domain.wealth import Blocks, Units
from setpoint.stats.betting import display_half_width, log_fortunes, log_mean, shared_difference
from setpoint.stats.dispersion import by_neighbours, by_units
from setpoint.stats.passage import growth, passage

FloatArray = NDArray[np.float64]
ALPHA = 0.05
LIMIT = math.log(1 / ALPHA)
RUNS = 120


def path(x: FloatArray, share: FloatArray, inflation: FloatArray | float = 1.0) -> FloatArray:
    """Evidence that shared rows are worse with the challenger, after each row."""
    logs = log_fortunes(x, mean=0.0, low=-1 / (1 - share), weight=share * (1 - share))
    return log_mean(np.cumsum(logs, axis=1) / inflation)


def failures(seed: int, rows: int = 5_000) -> tuple[FloatArray, NDArray[np.bool_], FloatArray]:
    """Failures of equal versions while the share rises from 1 to 50 % and failures become ten times as likely."""
    rng = np.random.default_rng(seed)
    share = np.repeat([0.01, 0.1, 0.5], [rows // 5, rows // 5, rows - 2 * (rows // 5)])
    new = rng.random(rows) < share
    return (rng.random(rows) < np.linspace(0.004, 0.04, rows)).astype(float), new, share


def pooled_z(bad: FloatArray, new: NDArray[np.bool_]) -> FloatArray:
    """The z-score of two pooled rates after each row."""
    n1, s1 = np.cumsum(new), np.cumsum(bad * new)
    n0, s0 = np.cumsum(~new), np.cumsum(bad * ~new)
    rate = (s1 + s0) / (n1 + n0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num((s1 / n1 - s0 / n0) / np.sqrt(rate * (1 - rate) * (1 / n1 + 1 / n0)))


def test_equal_versions_are_seldom_told_apart_while_share_and_base_rate_drift() -> None:
    """At 5 %, a look at every row; a pooled z-test that looks once, at the end, is wrong more often than not."""
    runs = [failures(seed) for seed in range(RUNS)]
    ours = np.mean([path(shared_difference(*run), run[2]).max() >= LIMIT for run in runs])
    once = np.mean([pooled_z(bad, new)[-1] > 1.645 for bad, new, _ in runs])
    assert ours <= ALPHA
    assert once > 0.5


def clustered(seed: int, rows: int = 2_000) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Equal versions, callers that keep theirs; one caller in fifty fails a third of the time."""
    rng = np.random.default_rng(seed)
    callers = rng.integers(0, 2**60, 100)
    bad, new = rng.random(100) < 0.02, rng.random(100) < 0.5
    who = rng.integers(0, 100, rows)
    failed = (bad[who] & (rng.random(rows) < 0.33)).astype(float)
    share = np.full(rows, 0.5)
    return shared_difference(failed, new[who], share), share, callers[who]


def test_errors_that_hang_on_callers_are_counted_by_callers() -> None:
    ours = plain = 0.0
    for seed in range(RUNS):
        x, share, unit = clustered(seed)
        _, inflation = by_units(Units(), x, unit)
        ours += path(x, share, inflation).max() >= LIMIT
        plain += path(x, share).max() >= LIMIT
    assert ours / RUNS <= ALPHA
    assert plain / RUNS > 3 * ALPHA


def autoregressive(correlation: float, rows: int, seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).standard_normal(rows + 100) * math.sqrt(1 - correlation**2)
    series = np.zeros(rows + 100)
    for i in range(1, rows + 100):
        series[i] = correlation * series[i - 1] + noise[i]
    return np.clip(series[100:], -4, 4)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_pairs_whose_neighbours_are_alike_count_for_less(correlation: float) -> None:
    ours = plain = 0.0
    for seed in range(RUNS):
        x = autoregressive(correlation, 400, seed)
        ones = np.ones(len(x))
        logs = np.cumsum(log_fortunes(x, mean=0.0, low=-4 * ones, weight=ones / 4), axis=1)
        _, inflation = by_neighbours(Blocks(), x)
        ours += log_mean(logs / inflation)[48:].max() >= LIMIT
        plain += log_mean(logs).max() >= LIMIT
    assert ours / RUNS <= ALPHA + 0.015
    assert correlation == 0 or plain / RUNS > 2 * ALPHA


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=5))
def test_likeness_does_not_depend_on_how_rows_are_cut(cuts: list[int]) -> None:
    x = autoregressive(0.9, 300, 1)
    unit = np.random.default_rng(0).integers(0, 2**60, 9)[np.random.default_rng(1).integers(0, 9, 300)]
    whole = by_neighbours(Blocks(), x)[1], by_units(Units(), x, unit)[1]
    blocks, units, parts = Blocks(), Units(), ([], [])  # type: ignore[var-annotated]
    for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), 300], strict=True):
        blocks, path = by_neighbours(blocks, x[low:high])
        parts[0].append(path)
        units, path = by_units(units, x[low:high], unit[low:high])
        parts[1].append(path)
    for paths, together in zip(parts, whole, strict=True):
        assert np.concatenate(paths) == pytest.approx(together)


def test_intervals_that_are_shown_hold_at_all_times() -> None:
    """From 100 to 2,000 rows, at 5 %; an interval for one look is left by a third and more of the runs."""
    left = once = 0.0
    rows = np.arange(100, 2_001)
    half = np.array([display_half_width(1 / math.sqrt(n), n, ALPHA) for n in rows])
    for seed in range(RUNS):
        mean = np.abs(np.cumsum(np.random.default_rng(seed).standard_normal(2_000))[99:]) / rows
        left += bool((mean > half).any())
        once += bool((mean > 1.96 / np.sqrt(rows)).any())
    assert left / RUNS <= ALPHA
    assert once / RUNS > 0.25
    assert display_half_width(1.0, 0, ALPHA) == math.inf


def test_the_time_to_a_verdict_is_foreseen() -> None:
    """Errors 1 % against 0.2 %: the median number of requests is within a quarter, the 90th percentile within 40 %."""
    needed = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        new = rng.random(12_000) < 0.5
        bad = (rng.random(12_000) < np.where(new, 0.01, 0.002)).astype(float)
        evidence = path(shared_difference(bad, new, np.full(12_000, 0.5)), np.full(12_000, 0.5))
        needed.append(int(np.argmax(evidence >= LIMIT)))
    worth, chances = np.array([2.0, -2.0, 0.0]), np.array([0.005, 0.001, 0.994])
    mean = (LIMIT + 1.5) / growth(worth, chances, mean=0.0, low=-2.0, weight=0.25)
    for share, tolerance in ((0.5, 0.25), (0.9, 0.4)):
        foreseen = mean * passage(LIMIT + 1.5, share)
        assert np.quantile(needed, share) == pytest.approx(foreseen, rel=tolerance)
