import numpy as np
import pytest
from sklearn import metrics

from setpoint.stats.intervals import block_se, t_quantile
from setpoint.stats.quality import METRICS

SKLEARN = {
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": metrics.r2_score,
    "roc_auc": metrics.roc_auc_score,
    "accuracy": lambda y, p: metrics.accuracy_score(y, p >= 0.5),
    "log_loss": metrics.log_loss,
}
BINARY = ("roc_auc", "accuracy", "log_loss")


def draw(metric, rng, n):
    if metric in BINARY:
        p = np.round(rng.uniform(size=n), 2).clip(0.01, 0.99)  # with ties
        return (rng.uniform(size=n) < p).astype(float), p
    y = rng.normal(size=n)
    return y, y + rng.normal(0, 0.5, size=n)


@pytest.mark.parametrize("metric", METRICS)
def test_values_are_those_of_scikit_learn(metric):
    y, score = draw(metric, np.random.default_rng(0), 300)
    value, psi = METRICS[metric](y, score)
    assert value == pytest.approx(SKLEARN[metric](y, score))
    assert psi.mean() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_intervals_hold_at_their_level(metric):
    """400 samples of 400 rows: a one-sided 5 % bound by influence values misses the truth about that often."""
    rng = np.random.default_rng(1)
    truth = METRICS[metric](*draw(metric, rng, 400_000))[0]
    low = high = 0
    for _ in range(400):
        value, psi = METRICS[metric](*draw(metric, rng, 400))
        se, freedom = block_se(psi)
        width = se * t_quantile(0.05, freedom)
        low += value - width > truth
        high += value + width < truth
    assert 0.005 < low / 400 < 0.09
    assert 0.005 < high / 400 < 0.09


@pytest.mark.parametrize("metric", ["r2", "roc_auc"])
def test_a_single_class_or_constant_outcome_has_no_value(metric):
    assert np.isnan(METRICS[metric](np.ones(10), np.linspace(0, 1, 10))[0])
