"""Coverage of the bounds, beside bounds that ignore what they should not."""

import numpy as np
import pytest
from scipy import stats

from setpoint.stats.intervals import block_se, quantile_bounds, share_high, share_low, t_quantile

RUNS = 2_000


def ar1(rng, rho, n, runs):
    x = rng.normal(size=(n, runs))
    for i in range(1, n):
        x[i] = rho * x[i - 1] + np.sqrt(1 - rho**2) * x[i]
    return x.T


@pytest.mark.parametrize(("n", "p"), [(24, 0.02), (24, 0.5), (700, 0.001), (700, 0.1)])
def test_share_bounds_are_wrong_no_more_often_than_asked(n, p):
    hits = np.random.default_rng(0).binomial(n, p, size=RUNS)
    assert np.mean([share_low(int(k), n, 0.01) > p for k in hits]) <= 0.015
    assert np.mean([share_high(int(k), n, 0.01) < p for k in hits]) <= 0.015


def test_share_bounds_are_those_of_scipy():
    for hits, rows in ((0, 10), (3, 24), (24, 24)):
        exact = stats.binomtest(hits, rows).proportion_ci(0.98, method="exact")
        assert share_low(hits, rows, 0.01) == pytest.approx(exact.low)
        assert share_high(hits, rows, 0.01) == pytest.approx(exact.high)


def test_the_usual_share_interval_breaks_where_clopper_pearson_holds():
    """Wald's bound on 1 % of 50 rows is above the truth far more often than the 1 % it claims."""
    hits = np.random.default_rng(0).binomial(50, 0.01, size=RUNS) / 50
    wald_high = hits + 2.33 * np.sqrt(hits * (1 - hits) / 50)
    assert np.mean(wald_high < 0.01) > 0.3


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_quantile_bounds_hold_for_skewed_values(q):
    rng, truth = np.random.default_rng(1), np.exp(stats.norm.ppf(q))
    bounds = [quantile_bounds(np.exp(rng.normal(size=300)), q, 0.02) for _ in range(500)]
    assert np.mean([low > truth for low, _ in bounds]) <= 0.04
    assert np.mean([high < truth for _, high in bounds]) <= 0.04


def test_too_few_rows_bound_no_extreme_quantile():
    assert quantile_bounds(np.arange(10.0), 0.99, 0.01)[1] == np.inf


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_block_error_holds_under_dependence_and_the_naive_one_does_not(rho):
    """Share of runs whose mean of 600 dependent rows seems above its true value 0 at 1 %, ours and √(s²/n)."""
    x = ar1(np.random.default_rng(2), rho, 600, RUNS)
    ours = naive = 0
    for row in x:
        se, freedom = block_se(row)
        ours += row.mean() > se * t_quantile(0.01, freedom)
        naive += row.mean() > 2.33 * row.std() / np.sqrt(len(row))
    assert ours / RUNS < 0.02
    if rho == 0.9:
        assert naive / RUNS > 0.2


def test_few_rows_have_no_error_at_all():
    assert block_se(np.arange(5.0)) == (np.inf, 1)
