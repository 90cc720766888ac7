"""Bounds by influence values hold at about their level, for every metric, on independent rows and on dependent ones."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from setpoint.config.metrics import CATALOGUE
from setpoint.stats.quality import Terms, classes, measure, ranking
from setpoint.stats.quality.measured import Measured

ROWS, SAMPLES, ALPHA = 600, 200, 0.05
TERMS = Terms(threshold=0.4, top=0.2, season=3, quantile=0.8, gain=(10.0, -2.0, -6.0, 0.0))
MOST = 0.10  # misses of a side at 5 %: 200 samples have a standard error of 1.5 %

OF_SCORES = [m for m in CATALOGUE if CATALOGUE[m].tasks != ("multiclass",)]


def ar1(rng, rows, rho):
    """Return a stationary series with standard normal values."""
    noise = rng.normal(size=rows) * np.sqrt(1 - rho**2)
    noise[0] = rng.normal()
    for i in range(1, rows if rho else 0):
        noise[i] += rho * noise[i - 1]
    return noise


def draw(task, rng, rows, rho):
    """Return outcomes and scores, both dependent on the rows before: a probability a little too sure, or a forecast."""
    x, chance = ar1(rng, rows, rho), ar1(rng, rows, rho)
    if task == "binary":
        return (norm.cdf(chance) < expit(x - 0.5)).astype(np.float64), np.round(expit(1.4 * x - 0.4), 3)
    return np.exp(0.3 * x), np.exp(0.3 * x + 0.1 + 0.2 * chance)


def misses(found, truth):
    bounds = np.array([m.bounds(ALPHA) for m in found])
    assert np.isfinite(bounds).all()
    return (bounds[:, 0] > truth).mean(), (bounds[:, 1] < truth).mean()


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("name", OF_SCORES)
def test_bounds_hold(name, rho):
    task, rng = CATALOGUE[name].tasks[0], np.random.default_rng(7)
    truth = measure(name, *draw(task, rng, 200_000, rho), TERMS).value
    found = [measure(name, *draw(task, rng, ROWS, rho), TERMS) for _ in range(SAMPLES)]
    low, high = misses(found, truth)
    assert low <= MOST
    assert high <= MOST
    if name != "calibration_error":  # whose bounds are safe on purpose
        assert low + high >= 0.02


def test_the_bias_of_the_calibration_error_is_known():
    """A perfect model has no error, and shows one: its lower bound knows."""
    rng, found = np.random.default_rng(0), []
    for _ in range(SAMPLES):
        p = rng.uniform(size=ROWS)
        found.append(measure("calibration_error", (rng.uniform(size=ROWS) < p).astype(float), p))
    assert np.mean([m.value for m in found]) == pytest.approx(np.mean([m.bias for m in found]), rel=0.1)
    assert np.mean([m.value for m in found]) > 0.025
    assert np.mean([m.bounds(ALPHA)[0] > 0 for m in found]) <= MOST


CLASSES = {
    "accuracy": lambda y, p: classes.accuracy(y, p.argmax(axis=1)),
    "balanced_accuracy": lambda y, p: classes.balanced_accuracy(y, p.argmax(axis=1)),
    "macro_f1": lambda y, p: classes.macro_f1(y, p.argmax(axis=1)),
    "weighted_f1": lambda y, p: classes.weighted_f1(y, p.argmax(axis=1)),
    "kappa": lambda y, p: classes.kappa(y, p.argmax(axis=1)),
    "log_loss": classes.log_loss,
    "ovr_auc": classes.ovr_auc,
    "top_k_accuracy": lambda y, p: classes.top_k_accuracy(y, p, 2),
}


def draw_classes(rng, rows):
    logit = rng.normal([0.0, 0.5, 1.0, 1.5], size=(rows, 4))
    p = np.exp(logit) / np.exp(logit).sum(axis=1, keepdims=True)
    return (rng.uniform(size=rows)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 3), p


@pytest.mark.parametrize("name", CLASSES)
def test_bounds_of_several_classes_hold(name):
    rng = np.random.default_rng(3)
    truth = CLASSES[name](*draw_classes(rng, 200_000)).value
    low, high = misses([CLASSES[name](*draw_classes(rng, ROWS)) for _ in range(SAMPLES)], truth)
    assert low + high >= 0.01
    assert max(low, high) <= MOST


def test_bounds_of_ranked_lists_hold():
    def sample(queries):
        score = rng.normal(size=(queries, 10))
        wanted = (rng.normal(size=(queries, 10)) + score > 1.5).astype(float)
        return ranking.ndcg(wanted.ravel(), score.ravel(), np.repeat(np.arange(queries), 10), 5)

    rng = np.random.default_rng(5)
    truth = sample(20_000).value
    low, high = misses([sample(100) for _ in range(100)], truth)
    assert max(low, high) <= 0.12


def test_three_hits_of_three_prove_little():
    """Counts without variance still have an interval: recall 1 of three positives is no certainty."""
    y, score = np.tile([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 3), np.tile([0.9] + [0.1] * 9, 3)
    low, _ = measure("recall", y, score).bounds(ALPHA)
    assert low < 0.4


def test_a_resampled_error_counts_as_it_is():
    assert Measured(value=1.0, psi=np.zeros(0), se=0.5).bounds(0.05)[0] == pytest.approx(1 - 0.5 * 1.729, abs=1e-3)


def test_decisions_that_brought_the_same_prove_little():
    found = measure("value_per_decision", np.zeros(30), np.zeros(30), Terms(gain=(10.0, -2.0, -6.0, 0.0)))
    assert found.bounds(ALPHA)[1] > 0.5


@pytest.mark.parametrize("name", OF_SCORES)
def test_values_and_bounds_are_plain_numbers(name):
    """They are stored as JSON."""
    found = measure(name, *draw(CATALOGUE[name].tasks[0], np.random.default_rng(0), 60, 0.0), TERMS)
    assert {type(v) for v in (found.value, *found.bounds(ALPHA))} == {float}
