"""Thresholds: the one that brings most, held near the present one, and how often chance moves it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from setpoint.domain.objective import Gain
from setpoint.update.threshold import RIGHT_OR_WRONG, choose, prove, trusted

FloatArray = NDArray[np.float64]
COSTLY_MISS = Gain(tp=0.0, fp=-1.0, fn=-9.0, tn=0.0)


def rows(count: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Calibrated probabilities and what came true."""
    rng = np.random.default_rng((1, seed))
    p = rng.beta(1, 3, count)
    return p, (rng.random(count) < p).astype(float)


def brought(score: FloatArray, truth: FloatArray, threshold: float, gain: Gain) -> FloatArray:
    """What each decision brings."""
    yes, no = np.where(truth > 0, gain.tp, gain.fp), np.where(truth > 0, gain.fn, gain.tn)
    return np.where(score > threshold, yes, no)


def test_what_a_decision_brings_moves_the_threshold() -> None:
    """A miss that costs nine false alarms: decide from one in ten on (Elkan, "cost-sensitive learning", 2001)."""
    p, truth = rows(50_000, 0)
    assert choose(p, truth, 0.5, COSTLY_MISS) == pytest.approx(0.1, abs=0.05)
    assert choose(p, truth, 0.5) == pytest.approx(0.5, abs=0.02)


@given(
    p=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    present=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
    gain=st.sampled_from([RIGHT_OR_WRONG, COSTLY_MISS]),
)
def test_a_threshold_is_never_worse_than_the_present_one(p: list[float], present: float, seed: int, gain: Gain) -> None:
    """On the rows it was chosen on it brings as much or more, and lies from 0 to 1."""
    score = np.array(p)
    truth = np.random.default_rng(seed).integers(0, 2, len(p)).astype(float)
    found = choose(score, truth, present, gain)
    assert 0 <= found <= 1
    assert brought(score, truth, found, gain).sum() >= brought(score, truth, present, gain).sum() - 1e-9


def proven(gain: Gain, runs: int, late: int = 0) -> tuple[float, float]:
    """Return how often another threshold is trusted, and how often the best of the last rows differs from one half."""
    used = moved = 0
    for seed in range(runs):
        p, truth = rows(400, seed)
        time = np.arange(400)
        used += trusted(prove(p, truth, time, time + late, 0.5, unit_rows=50, gain=gain))
        moved += brought(p, truth, 0.45, gain).sum() > brought(p, truth, 0.5, gain).sum()
    return used / runs, moved / runs


def test_chance_does_not_move_a_threshold() -> None:
    """One half is right: trusted to move in 2 % of 300 runs; a rule that takes what was better lately moves in 38 %."""
    used, moved = proven(RIGHT_OR_WRONG, 300)
    assert used <= 0.02
    assert moved > 0.2


def test_a_costly_threshold_is_found_out() -> None:
    """Where the present one costs much, six units of 50 rows are enough, also with outcomes two units late."""
    assert proven(COSTLY_MISS, 30)[0] == 1.0
    assert proven(COSTLY_MISS, 30, late=100)[0] >= 0.8


def test_a_threshold_stays_where_another_is_better_by_chance() -> None:
    """Of nine rows below it five would be right: the present one is kept; ten of ten move it."""
    score = np.linspace(0.005, 0.995, 100)
    truth = (score > 0.5).astype(float)
    truth[41:50:2] = 1.0
    assert choose(score, truth, 0.5) == 0.5
    truth[40:50] = 1.0
    assert choose(score, truth, 0.5) == pytest.approx(0.4)


def test_without_rows_the_threshold_stays() -> None:
    """Nothing to learn from."""
    assert choose(np.zeros(0), np.zeros(0), 0.3) == 0.3
