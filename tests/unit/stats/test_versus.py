"""Two versions side by side: what is called better, and how often that is wrong where one looks again and again."""

import math

import numpy as np
import pytest
from scipy import stats

from setpoint.stats.interleave import preference, team_draft
from setpoint.stats.versus import certainty, paired, shared

LOOKS = range(50, 2_001, 50)


def test_an_equal_version_is_rarely_called_better_however_often_one_looks():
    """Beside a t-test that is looked at as often."""
    rng = np.random.default_rng(0)
    called, peeked, runs = 0, 0, 60
    for _ in range(runs):
        a, b = rng.gamma(2.0, size=2_000), rng.gamma(2.0, size=2_000)
        called += any((v := paired(a[:n], b[:n], 0.05)) and v.better for n in LOOKS)
        peeked += any(stats.ttest_1samp((a - b)[:n], 0.0).pvalue < 0.05 for n in LOOKS)
    assert called <= 0.05 * runs
    assert peeked >= 0.2 * runs


def test_a_share_that_grows_while_times_change_fools_nobody():
    """Two pooled means would compare the good old days with the bad new ones."""
    rng = np.random.default_rng(1)
    called, pooled, runs = 0, 0, 40
    for _ in range(runs):
        stretch = np.repeat([0, 1, 2], 700)
        is_b = rng.random(2_100) < np.array([0.05, 0.2, 0.5])[stretch]
        loss = rng.exponential(1.0 + 0.5 * stretch)
        called += any((v := shared(loss[:n], is_b[:n], stretch[:n], 0.05)) and v.better for n in LOOKS)
        pooled += stats.ttest_ind(loss[is_b], loss[~is_b]).pvalue < 0.05
    assert called <= 0.05 * runs
    assert pooled >= 0.8 * runs


def test_a_better_version_is_found_and_by_how_much_is_covered():
    rng = np.random.default_rng(2)
    is_b, stretch = rng.random(4_000) < 0.5, np.zeros(4_000, np.int64)
    loss = rng.exponential(1.0, 4_000) * np.where(is_b, 0.8, 1.0)
    found = shared(loss, is_b, stretch, 0.05)
    assert found.better == "b"
    assert found.low <= 0.2 <= found.high
    assert found.difference == pytest.approx(found.mean_a - found.mean_b)
    assert found.certainty > 0.95


def test_too_few_rows_say_nothing_and_strata_without_both_do_not_count():
    assert paired(np.zeros(29), np.ones(29), 0.05) is None
    is_b = np.repeat([False, True], 100)
    assert shared(np.ones(200), is_b, is_b.astype(np.int64), 0.05) is None


def test_certainty_is_the_level_at_which_the_bounds_touch_zero():
    assert certainty(0.0, 1.0, 100) == 0.0
    assert certainty(0.1, 1.0, 100) == 0.0
    assert 0.9 < certainty(4.0, 1.0, 1_000) < certainty(5.0, 1.0, 1_000) < 1.0


def test_captains_pick_in_turn_and_nothing_is_shown_twice():
    a, b = ["x", "y", "z", "u"], ["y", "x", "v", "w"]
    lists = [team_draft(a, b, length=4, seed=seed) for seed in range(400)]
    for slots in lists:
        assert len({s.item for s in slots}) == 4
        assert [s.team for s in slots].count("a") == 2
        assert slots[0].item == {"a": "x", "b": "y"}[slots[0].team]
    assert 150 < sum(slots[0].team == "a" for slots in lists) < 250
    assert team_draft(a, b, length=9, seed=3)[:4] == team_draft(a, b, length=4, seed=3)
    assert len(team_draft(a, b, length=9, seed=3)) == 6


def test_no_preference_is_rarely_called_one_however_often_one_looks():
    rng = np.random.default_rng(12)
    called, peeked, runs = 0, 0, 40
    for _ in range(runs):
        a, b = rng.poisson(0.5, 1_000), rng.poisson(0.5, 1_000)
        won = np.sign(b - a)
        called += any(preference(a[:n], b[:n]).better() for n in range(20, 1_001, 20))
        signs = ((int((won[:n] > 0).sum()), int((won[:n] != 0).sum())) for n in range(20, 1_001, 20))
        peeked += any(told and abs(2 * up - told) > 1.96 * math.sqrt(told) for up, told in signs)
    assert called <= 0.05 * runs
    assert peeked >= 0.15 * runs
    clear = preference(rng.poisson(0.3, 1_000), rng.poisson(0.6, 1_000))
    assert clear.better() == "b"
    assert clear.log_for_b > math.log(40) > clear.log_for_a
