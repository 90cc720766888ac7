"""The kind of a step, by simulation: days that move by themselves, and then something happens to them."""

from collections import Counter

import numpy as np
import pytest

from setpoint.monitor.steps import step_kind
from setpoint.stats.blocks import step

UNIT = 6.0  # of the reference's standard deviation, in °C


def kinds(change, days=300, seed=1):
    """Name the first day after a change, many times over: days of 24 hours about a mean that wanders."""
    rng = np.random.default_rng(seed)
    found = Counter()
    for _ in range(days):
        means = 15 + np.cumsum(rng.normal(0, 1.5, 29))
        hours = means[:, None] + rng.normal(0, 3 * np.exp(rng.normal(0, 0.25, 29))[:, None], (29, 24))
        hours[-1] = change(hours[-1])
        level, spread = hours.mean(axis=1)[:, None] / UNIT, np.log(hours.std(axis=1)[:, None] / UNIT)
        kind, _ = step_kind(step(level[:-1], level[-1:]), step(spread[:-1], spread[-1:]), UNIT)
        found[kind] += 1
    return {kind: count / days for kind, count in found.items()}


@pytest.mark.parametrize(
    ("change", "kind", "share"),
    [
        (lambda x: 1.8 * x + 32, "unit", 0.8),
        (lambda x: x + 273.15, "unit", 0.8),
        (lambda x: 100 * x, "unit", 0.95),
        (lambda x: x + 25, "shift", 0.8),
        (lambda x: x.mean() + 8 * (x - x.mean()), "scale", 0.8),
    ],
    ids=["fahrenheit", "kelvin", "hundredfold", "shift", "scale"],
)
def test_a_step_is_named(change, kind, share):
    assert kinds(change)[kind] >= share


def test_a_day_like_the_others_needs_no_name():
    assert kinds(lambda x: x)[""] >= 0.95


def test_the_conversion_is_named_in_the_direction_it_happened():
    level, spread = (
        step(np.full((20, 1), v) + 0.01 * np.arange(20)[:, None] % 0.02, np.full((1, 1), n))
        for v, n in ((20 / UNIT, 68 / UNIT), (np.log(0.5), np.log(0.9)))
    )
    assert step_kind(level, spread, UNIT) == ("unit", "°C → °F")
