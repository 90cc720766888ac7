import numpy as np
import pytest
from scipy.special import expit

from setpoint.stats.fairness import CLASS_RATES, FEWEST, gap, rate

NAMES = ("sex=f", "sex=m", "sex=other")


def draw(rng, rows, shift=0.0, rho=0.0):
    """Return a calibrated score; those of the second group score higher by `shift` without being so more often."""
    code = rng.choice(3, rows, p=[0.5, 0.4, 0.1])
    x = rng.normal(size=rows) * np.sqrt(1 - rho**2)
    for i in range(1, rows if rho else 0):
        x[i] += rho * x[i - 1]
    y = (rng.uniform(size=rows) < expit(x)).astype(float)
    return y, expit(x + shift * (code == 1)), code


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("of", CLASS_RATES)
def test_where_there_is_no_gap_the_lower_bound_says_so(of, rho):
    """200 samples of 1,500 rows without a gap: the lower bound is above zero about as often as its level."""
    rng = np.random.default_rng(0)
    found = [gap(of, *draw(rng, 1_500, rho=rho), NAMES, threshold=0.5) for _ in range(200)]
    assert np.mean([g.low > 0 for g in found]) <= 0.10  # 5 % and the looseness of twenty blocks
    assert np.mean([g.value for g in found]) > 0.03  # the dummy: the plain gap is never zero


@pytest.mark.parametrize("of", CLASS_RATES)
def test_a_true_gap_lies_between_the_bounds(of):
    rng = np.random.default_rng(1)
    truth = gap(of, *draw(rng, 400_000, 1.0), NAMES, threshold=0.5).value
    found = [gap(of, *draw(rng, 3_000, 1.0), NAMES, threshold=0.5) for _ in range(100)]
    assert np.mean([g.low > truth for g in found]) <= 0.10
    assert np.mean([g.high < truth for g in found]) <= 0.10
    assert np.mean([g.low > 0.05 for g in found]) >= 0.5
    assert {g.highest for g in found} == {"sex=m"}


def test_segments_with_too_few_rows_are_left_out():
    y, score, code = draw(np.random.default_rng(2), 300)
    code[code == 2] = 0
    code[: FEWEST - 1] = 2
    assert set(gap("selection_rate", y, score, code, NAMES, threshold=0.5).rates) == {"sex=f", "sex=m"}
    assert gap("selection_rate", y, score, np.zeros(300, int), NAMES, threshold=0.5) is None
    assert gap("recall", np.zeros(300), score, code, NAMES, threshold=0.5) is None


def test_the_rates_are_those_of_the_segments():
    y, score, code = draw(np.random.default_rng(3), 2_000)
    found = gap("recall", y, score, code, NAMES, threshold=0.3)
    assert found.rates["sex=m"] == pytest.approx(np.mean(score[(code == 1) & (y == 1)] >= 0.3))
    assert found.value == pytest.approx(max(found.rates.values()) - min(found.rates.values()))


def test_a_gap_of_ones_and_zeros_keeps_an_interval():
    y, code = np.ones(60), np.repeat([0, 1], 30)
    found = gap("selection_rate", y, np.where(code == 1, 0.9, 0.1), code, NAMES[:2], threshold=0.5)
    assert found.value == 1.0
    assert found.low < 0.95


def test_errors_too_large_to_add_up_say_so():
    y, score = np.zeros(60), np.full(60, 1e308)
    found = rate("mean_error", y, score, np.ones(60, bool), 0.5)
    assert (found.known, found.why) == (False, "the numbers are too large to compute with")
    assert gap("mean_error", y, score, np.arange(60) % 2, ("a", "b"), threshold=0.5) is None


def test_a_gap_of_accuracy_is_that_of_right_decisions():
    rng = np.random.default_rng(2)
    code = rng.choice(3, 3_000, p=[0.5, 0.4, 0.1])
    right = (rng.random(3_000) < np.where(code == 1, 0.6, 0.9)).astype(float)
    found = gap("accuracy", right, rng.uniform(0.4, 1, 3_000), code, NAMES, threshold=0.0)
    assert found.rates["sex=m"] == pytest.approx(right[code == 1].mean())
    assert (found.lowest, found.low > 0.2) == ("sex=m", True)
