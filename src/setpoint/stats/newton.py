"""The least of a smooth convex function of a few numbers within bounds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Curved = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]

MOST_STEPS = 100
NEAR = 1e-12  # what a step would still gain, as a fraction: after that step nothing is left
ENOUGH = 1e-4  # of the descent that the slope promises


def least(of: Curved, start: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return where a function is least: Newton's step in the numbers that no bound holds, halved until it descends.

    Parameters
    ----------
    of : callable
        Returns value, gradient of shape (k,) and Hessian of shape (k, k) of a strictly convex function.
    start, low, high : ndarray of shape (k,), float64

    References
    ----------
    D. P. Bertsekas, "Projected Newton methods for optimization problems with simple constraints", SIAM J. Control and
    Optimization 20, 1982.
    """
    x, (value, slope, curve) = start, of(start)
    for _ in range(MOST_STEPS):
        step = _step(x, slope, curve, low, high)
        if -float(slope @ step) <= NEAR * (1 + abs(value)):
            return np.clip(x + step, low, high)
        for _ in range(MOST_STEPS):
            further = np.clip(x + step, low, high)
            found = of(further)
            if found[0] <= value - ENOUGH * float(slope @ (x - further)):
                break
            step = step / 2
        x, (value, slope, curve) = further, found
    return x


def _step(x: FloatArray, slope: FloatArray, curve: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return Newton's step; of what a bound holds back, none."""
    free = ~(((x <= low) & (slope > 0)) | ((x >= high) & (slope < 0)))
    step = np.zeros(len(x))
    step[free] = -np.linalg.solve(curve[np.ix_(free, free)], slope[free])
    return step
