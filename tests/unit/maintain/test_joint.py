"""The density of rows of which a column or two are others, at the cost of a column."""

import time

import numpy as np

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.maintain.joint import Joint, fit_joint
from setpoint.maintain.units import candidates


def fitted(columns: int, rows: int = 2_000) -> tuple[Joint, np.ndarray, Schema]:
    """Return the density of columns that a few factors drive, and as many further rows, standardised."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * rows, 4)) @ rng.normal(size=(4, columns)) + rng.normal(size=(2 * rows, columns))
    names = [f"x{j}" for j in range(columns)]
    features = tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT, low=-20, high=20) for n in names)
    schema = Schema(features=features, target="y", task=Task.REGRESSION)
    joint = fit_joint({n: x[:rows, j] for j, n in enumerate(names)}, schema)
    assert joint is not None
    return joint, joint.standardised({n: x[rows:, j] for j, n in enumerate(names)}), schema


def test_changed_columns_have_the_density_of_changed_rows() -> None:
    joint, z, _ = fitted(7)
    rows, changed = joint.turned(z), z.copy()
    changed[:, 2] = joint.mapped(z, 2, 1.8, 32.0)
    np.testing.assert_allclose(rows.density_with({2: changed[:, 2]}), joint.log_density(changed))
    exchanged, both = joint.exchanged(z, 1, 5), z.copy()
    for j, column in exchanged.items():
        both[:, j] = column
    np.testing.assert_allclose(rows.density_with(exchanged), joint.log_density(both))
    np.testing.assert_allclose(rows.density_with({}), joint.log_density(z))
    np.testing.assert_allclose(rows.expected(3), joint.expected(z, 3))


def test_a_look_for_units_costs_hundreds_of_columns_seconds() -> None:
    """2,000 rows of 400 columns, 21 maps of each: minutes where each map costs a product of matrices."""
    joint, z, schema = fitted(400)
    start = time.perf_counter()
    found = list(candidates(joint, z, 72, schema, skip=set()))
    assert found
    assert time.perf_counter() - start < 20
