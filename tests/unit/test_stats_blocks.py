import numpy as np
import pytest

from setpoint.stats.blocks import blocks_of, deviation_high, runs_of, step, walk
from setpoint.stats.intervals import t_quantile


def alarms(history, now, alpha):
    one = step(history, now)
    limits = np.array([t_quantile(alpha, f) for f in one.freedom])
    return np.abs(one.effect) > limits * one.se


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_a_step_is_seen_no_more_often_than_asked(rho):
    """10,000 series of 28 blocks: at 1 % (both sides), and beside a z-test on the means as if blocks were certain."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(29, 10_000))
    for i in range(1, 29):
        x[i] = rho * x[i - 1] + np.sqrt(1 - rho**2) * x[i]
    assert alarms(x[:28], x[28:], 0.005).mean() < 0.015
    certain = np.abs(x[28] - x[:28].mean(axis=0)) > 2.58 * x[:28].std(axis=0) / np.sqrt(28)
    assert certain.mean() > 0.4


def test_a_step_of_seven_deviations_is_nearly_always_seen_at_one_in_ten_thousand():
    x = np.random.default_rng(1).normal(size=(29, 2_000))
    assert alarms(x[:28], x[28:] + 7, 0.0001 / 2).mean() > 0.95


def test_a_calm_history_is_not_believed_against_what_is_usual():
    calm = np.random.default_rng(2).normal(0, 0.1, size=(28, 1))
    assert step(calm, calm[:1] + 1, usual=1.0).se[0] > 4 * step(calm, calm[:1] + 1).se[0]


def test_blocks_of_mostly_null_rows_are_left_out():
    values = np.arange(40.0)[:, None]
    values[10:20] = np.nan
    mean = blocks_of(values, 10, np.zeros(1)).mean[:, 0]
    assert np.array_equal(mean, [4.5, np.nan, 24.5, 34.5], equal_nan=True)
    assert step(np.full((7, 1), 1.0), np.ones((1, 1))).se[0] == np.inf


def test_the_deviation_is_an_upper_limit_nine_times_in_ten():
    x = np.random.default_rng(3).normal(size=(20, 5_000))
    assert np.mean(deviation_high(x) > 1) == pytest.approx(0.9, abs=0.02)


def test_a_walk_knows_its_worst_step():
    quiet = np.random.default_rng(4).normal(size=200)
    jump = quiet.copy()
    jump[150] += 12
    assert walk(jump)[1] > 2 * walk(quiet)[1]
    assert walk(quiet[:20]) == (0.0, 0.0)


def test_runs_of_equal_values_and_of_nulls():
    starts, lengths = runs_of(np.array([1.0, 1.0, 2.0, np.nan, np.nan, 2.0]))
    assert starts.tolist() == [0, 2, 3, 4, 5]
    assert lengths.tolist() == [2, 1, 1, 1, 1]
