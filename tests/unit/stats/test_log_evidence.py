"""Evidence by betting: false alarms under continuous watching, beside a z-test that is watched too."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.stats.betting import log_evidence, scale_evidence
from setpoint.stats.paired import variance_inflation

ALPHA = 0.05
LIMIT = math.log(1 / ALPHA)
RUNS = 200
BOUND = 4.0


def gains(correlation: float, seed: int, *, mean: float = 0.0, rows: int = 336) -> np.ndarray:
    """Clipped AR(1) differences of losses, standard deviation 1."""
    noise = np.random.default_rng(seed).standard_normal(rows + 100) * math.sqrt(1 - correlation**2)
    series = np.zeros(rows + 100)
    for i in range(1, rows + 100):
        series[i] = correlation * series[i - 1] + noise[i]
    return np.clip(mean + series[100:], -BOUND, BOUND)


def ever_sure(x: np.ndarray, *, tempered: bool) -> int | None:
    """Rows after which a look every 12 rows is first sure that the mean is above zero."""
    for rows in range(48, len(x) + 1, 12):
        inflation = variance_inflation(x[:rows]) if tempered else 1.0
        if log_evidence(x[:rows], mean=0.0, low=-BOUND, inflation=inflation) >= LIMIT:
            return rows
    return None


def ever_sure_by_z(x: np.ndarray) -> bool:
    return any(x[:n].mean() > 1.645 * x[:n].std(ddof=1) / math.sqrt(n) for n in range(48, len(x) + 1, 12))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_an_equal_model_is_seldom_called_better_however_often_one_looks(correlation: float) -> None:
    """α = 5 %; the z-test that is watched fails always, betting without the inflation fails under correlation."""
    series = [gains(correlation, seed) for seed in range(RUNS)]
    ours = sum(ever_sure(x, tempered=True) is not None for x in series) / RUNS
    watched_z = sum(ever_sure_by_z(x) for x in series) / RUNS
    plain = sum(ever_sure(x, tempered=False) is not None for x in series) / RUNS
    assert ours <= ALPHA
    assert watched_z > 2 * ALPHA
    if correlation:
        assert plain > ALPHA


def test_a_better_model_is_found_before_its_time() -> None:
    """A gain of 0.4 standard deviations, independent rows: nearly always within 336 rows, in the median within 150."""
    found = [ever_sure(gains(0.0, seed, mean=0.4), tempered=True) for seed in range(60)]
    assert sum(rows is not None for rows in found) >= 57
    assert np.median([rows or math.inf for rows in found]) <= 150


@given(st.permutations(range(40)))
def test_evidence_does_not_depend_on_the_order(order: list[int]) -> None:
    """Outcomes may arrive late and out of order."""
    x = gains(0.0, 1, rows=40)
    assert log_evidence(x[order], mean=0.0, low=-BOUND) == pytest.approx(log_evidence(x, mean=0.0, low=-BOUND))


def test_no_rows_are_no_evidence() -> None:
    assert log_evidence(np.zeros(0), mean=0.0, low=-1.0) == 0.0


def test_a_failing_answer_shows_at_once_where_failures_are_hardly_tolerated() -> None:
    """One failure in a thousand is tolerated: two in twenty requests are evidence, none in any number is not."""
    two = np.array([1.0] * 2 + [0.0] * 18)
    assert log_evidence(two, mean=0.001, low=0.0) >= LIMIT
    assert log_evidence(np.zeros(5_000), mean=0.001, low=0.0) < 0


DRAWS = {
    "exponential": lambda rng, n: rng.exponential(size=n),
    "half-normal": lambda rng, n: np.abs(rng.standard_normal(n)) * math.sqrt(math.pi / 2),
    "lognormal": lambda rng, n: np.exp(rng.standard_normal(n) - 0.5),
    "squared": lambda rng, n: np.square(rng.standard_normal(n)),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_values_that_are_scaled_usual_ones_are_seldom_called_smaller_whenever_one_looks(kind):
    """Wald's rows for a scale of 1.6 and exponential values are 31 on average; here with the tilt read from 672."""
    rng, draw, rows = np.random.default_rng(3), DRAWS[kind], range(6, 169, 6)
    false, soon = 0, []
    for _ in range(100):
        usual = draw(rng, 672)
        usual /= usual.mean()
        same, smaller = 1.6 * draw(rng, rows[-1]), draw(rng, rows[-1])
        false += any(scale_evidence(same[:n], usual, scale=1.6, hoped=1.0) >= LIMIT for n in rows)
        found = (n for n in rows if scale_evidence(smaller[:n], usual, scale=1.6, hoped=1.0) >= LIMIT)
        soon.append(next(found, rows[-1]))
    assert false <= 5 + 2 * math.sqrt(5 * 0.95)
    assert np.mean(soon) < 80


def test_values_that_vary_less_than_usual_ones_are_no_evidence_that_they_are_smaller():
    usual = np.random.default_rng(0).exponential(size=672)
    assert scale_evidence(np.full(100, 1.6), usual / usual.mean(), scale=1.6, hoped=1.0) < 0
