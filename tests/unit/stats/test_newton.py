"""Newton within bounds: it ends where a general optimiser ends that is given all the time it wants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from setpoint.stats.newton import least

FloatArray = NDArray[np.float64]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 6), width=st.floats(0.01, 5))
def test_within_bounds_it_ends_where_a_general_optimiser_does(seed: int, size: int, width: float) -> None:
    """A logistic loss on any rows, its ridge small: often some of the numbers end at a bound."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(40, size)) * 10, rng.choice([-1.0, 1.0], 40)

    def of(b: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        z = y * (x @ b)
        wrong = 1 / (1 + np.exp(np.minimum(z, 500)))
        value = float(np.logaddexp(0, -z).sum() + 0.5 * b @ b)
        return value, b - x.T @ (y * wrong), np.eye(size) + (x.T * (wrong * (1 - wrong))) @ x

    low, high = np.full(size, -width), np.full(size, 2 * width)
    found = least(of, np.zeros(size), low, high)
    theirs = minimize(
        lambda b: of(b)[:2],
        np.zeros(size),
        jac=True,
        bounds=list(zip(low, high, strict=True)),
        method="L-BFGS-B",
        options={"ftol": 0, "gtol": 1e-10, "maxiter": 10_000},
    )
    np.testing.assert_allclose(found, theirs.x, atol=1e-8)


def test_far_from_the_least_its_steps_are_halved() -> None:
    """√(1 + x²) has whole steps of Newton that jump further away the further away it stands."""

    def of(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        root = float(np.sqrt(1 + x[0] ** 2))
        return root, x / root, np.array([[root**-3]])

    found = least(of, np.array([3.0]), np.array([-50.0]), np.array([50.0]))
    assert found == pytest.approx([0.0], abs=1e-6)
