"""Relations between columns: planted changes that no single column shows, and like with like."""

import numpy as np
import pytest
from scipy.signal import lfilter

from setpoint.monitor.joint import joint_change


def table(seed, rows=1_200, columns=8, rho=0.6, phi=0.0):
    """Columns of which two are correlated; AR(1) in time; two of categories, one following x2; and nulls."""
    rng = np.random.default_rng(seed)
    x = lfilter([np.sqrt(1 - phi**2)], [1, -phi], rng.normal(size=(rows + 300, columns)), axis=0)[300:]
    x[:, 1] = rho * x[:, 0] + np.sqrt(1 - rho**2) * x[:, 1]
    out = {f"x{at}": x[:, at] for at in range(columns)}
    out["kind"] = np.array(list("abc"), object)[np.digitize(x[:, 2] + rng.normal(size=rows), [-0.5, 1])]
    out["other"] = np.array(["a", "b", None], object)[rng.choice(3, rows, p=[0.7, 0.2, 0.1])]
    out["x7"] = np.where(rng.random(rows) < 0.1, np.nan, out["x7"])
    return out


def moved_marginals(columns):
    """Every column another one, their relations as they were."""
    return {n: c if c.dtype == object else np.exp(c) * 3 + 1 for n, c in columns.items()}


@pytest.mark.parametrize("phi", [0.0, 0.9])
def test_like_with_like_is_quiet_whatever_the_single_columns_do(phi):
    """The share of false calls is bounded at 1 %; the dummy, any correlation beyond 5 %, calls every time."""
    found = [joint_change(table(s, phi=phi), moved_marginals(table(500 + s, phi=phi))) for s in range(6)]
    assert sum(f.changed for f in found) == 0
    x, y = (np.column_stack([table(s)[f"x{at}"] for at in range(7)]) for s in (0, 500))
    assert np.abs(np.corrcoef(x.T) - np.corrcoef(y.T)).max() > 1.96 * np.sqrt(2 / 1_200)


@pytest.mark.parametrize("seed", range(4))
def test_a_changed_correlation_is_found_and_its_pair_named(seed):
    found = joint_change(table(seed), table(seed + 500, rho=-0.2))
    assert found.changed
    assert found.pairs[0].columns == ("x0", "x1")
    assert found.pairs[0].after < 0 < found.pairs[0].before
    assert set(found.drivers[:2]) == {"x0", "x1"}


@pytest.mark.parametrize("seed", range(2))
def test_columns_joined_to_the_wrong_rows_are_found(seed):
    current = table(seed + 500)
    current["x1"] = np.roll(current["x1"], 1)
    current["kind"] = np.roll(current["kind"], 1)
    found = joint_change(table(seed), current)
    assert {p.columns for p in found.pairs} >= {("x0", "x1")}


def test_a_relation_without_correlation_is_found_by_the_classifier():
    reference, current = table(0, rows=4_000), table(500, rows=4_000)
    rng = np.random.default_rng(1)
    current["x4"] = np.abs(current["x5"]) + 0.3 * rng.normal(size=4_000)
    found = joint_change(reference, current)
    assert found.auc_low > found.auc_limit
    assert {"x4", "x5"} <= set(found.drivers)
    assert found.changed


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "0 rows; relations need 200 on either side"),
        ({"a": np.ones(100), "b": np.ones(100)}, "100 rows"),
        ({"a": np.ones(300), "b": np.arange(300.0)}, "fewer than two columns vary"),
        ({"a": np.full(300, np.nan), "b": np.array([None] * 300, object)}, "fewer than two columns vary"),
    ],
)
def test_what_cannot_be_compared_is_said(columns, said):
    found = joint_change(columns, columns)
    assert said in found.skipped
    assert not found.changed
    assert found.auc is None


def test_odd_values_are_no_trouble():
    odd = {
        "a": np.r_[np.inf, -np.inf, 1e308, np.full(297, np.nan)],
        "b": np.array(["x"] * 299 + [None], object),
        "c": np.arange(300.0),
    }
    assert not joint_change(odd, odd).changed
