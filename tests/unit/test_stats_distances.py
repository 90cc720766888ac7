import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from setpoint.stats.distances import bin_scores, expected_variation, kolmogorov_smirnov, pooled, total_variation

counts = arrays(np.int64, st.integers(2, 40), elements=st.integers(0, 1_000)).filter(lambda c: (c > 0).sum() >= 4)


@given(counts)
def test_scores_are_standard_on_the_reference(c):
    p = c / c.sum()
    s, q = bin_scores(p)
    assert p @ s == pytest.approx(0, abs=1e-9)
    assert p @ q == pytest.approx(0, abs=1e-9)
    assert p @ s**2 == pytest.approx(1)
    assert p @ (s * q) == pytest.approx(0, abs=1e-6)


def test_scores_of_a_single_bin_are_zero():
    assert [x.tolist() for x in bin_scores(np.array([0.0, 1.0, 0.0]))] == [[0, 0, 0], [0, 0, 0]]


@given(counts, st.randoms(use_true_random=False))
def test_distances_are_between_zero_and_one_and_zero_for_the_same(c, random):
    p = c / c.sum()
    w = np.array(random.sample(list(p), len(p)))
    for distance in (kolmogorov_smirnov, total_variation):
        assert distance(p, p) == 0
        assert 0 <= distance(w, p) <= 1 + 1e-12
    assert kolmogorov_smirnov(w, p) <= total_variation(w, p) + 1e-12


def test_a_shift_moves_the_location_and_a_spread_the_scale():
    rng = np.random.default_rng(0)
    edges = np.quantile(rng.normal(size=50_000), np.linspace(0, 1, 65)[1:-1])

    def shares(x):
        return np.bincount(np.searchsorted(edges, x), minlength=64) / len(x)

    p = shares(rng.normal(size=50_000))
    s, q = bin_scores(p)
    shifted, spread = shares(rng.normal(0.2, 1, 50_000)), shares(rng.normal(0, 1.2, 50_000))
    assert shifted @ s == pytest.approx(0.2, abs=0.02)
    assert abs(shifted @ q) < 0.05
    assert abs(spread @ s) < 0.02
    assert spread @ q > 0.2


def test_rare_levels_are_pooled():
    w, p = pooled({"a": 90, "x": 1, "y": 1}, {"a": 900, "b": 100})
    assert len(w) == 3  # a, b, and one bin for x and y
    assert w.sum() == pytest.approx(1)
    assert p.tolist() == [0.9, 0.1, 0.0]


def test_the_expected_variation_is_what_sampling_brings():
    rng, shares = np.random.default_rng(1), np.array([0.5, 0.3, 0.15, 0.05])
    drawn = [(rng.multinomial(500, shares) / 500, rng.multinomial(2_000, shares) / 2_000) for _ in range(500)]
    mean = np.mean([total_variation(a, b) for a, b in drawn])
    assert expected_variation(shares, 500, 2_000) == pytest.approx(mean, rel=0.1)
