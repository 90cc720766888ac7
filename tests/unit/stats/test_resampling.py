import numpy as np
import pytest

from setpoint.stats.resampling import moving_blocks, resampled


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_resampled_bounds_hold(rho):
    """300 samples of 400 rows: bounds at 5 % by resampling miss the true median about that often."""
    rng, low, high = np.random.default_rng(1), 0, 0
    for _ in range(300):
        x = rng.normal(size=500) * np.sqrt(1 - rho**2)
        for i in range(1, 500 if rho else 0):
            x[i] += rho * x[i - 1]
        x = x[100:]
        bounds = resampled(float(np.median(x)), moving_blocks(lambda rows, x=x: float(np.median(x[rows])), 400), 400)
        low += bounds.bounds(0.05)[0] > 0
        high += bounds.bounds(0.05)[1] < 0
    assert max(low, high) / 300 <= 0.09
    assert low + high >= 15


def test_too_few_replicates_are_no_interval():
    assert resampled(1.0, np.ones(3), 100).bounds(0.05) == (-np.inf, np.inf)
    assert "no finite number" in resampled(np.nan, np.ones(100), 100).why
