import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from setpoint.errors import InvalidInput
from setpoint.monitor.compare import compare


def table(seed, n=2_000, **changes):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": rng.lognormal(3, 0.5, n),
            "age": rng.normal(40, 10, n),
            "flag": rng.random(n) < 0.3,
            "job": rng.choice(["clerk", "cook", "driver"], n, p=[0.5, 0.3, 0.2]),
        }
    )
    return frame.assign(**{name: change(frame[name]) for name, change in changes.items()})


def test_like_with_like_is_seldom_called_changed():
    """100 tables at a budget of 1 %, beside a fixed distance of 0.03 between the ages' distributions."""
    reference, ours, dummy = table(0), 0, 0
    for seed in range(1, 101):
        current = table(seed, 1_000)
        ours += bool(compare(reference, current)["changed"])
        dummy += ks_2samp(reference["age"], current["age"]).statistic > 0.03
    assert ours <= 3
    assert dummy > 30


CHANGES = {
    "nulls": ("age", lambda c: c.where(np.arange(len(c)) % 5 > 0)),
    "unit": ("amount", lambda c: c * 100),
    "shift": ("age", lambda c: c + 3),
    "scale": ("age", lambda c: 40 + 1.3 * (c - 40)),
    "new_level": ("job", lambda c: c.replace("cook", "chef")),
    "shape": ("job", lambda c: c.where(np.arange(len(c)) % 3 > 0, "driver")),
    "range": ("amount", lambda c: c.where(np.arange(len(c)) % 10 > 0, 9_999.0)),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_is_found_and_named(kind):
    column, change = CHANGES[kind]
    found = compare(pa.Table.from_pandas(table(0)), table(1, **{column: change}))
    assert found["changed"] == [column]
    assert {c["column"]: c["kind"] for c in found["columns"]}[column] == kind


def test_missing_and_extra_columns_are_changes():
    found = compare(table(0), table(1).rename(columns={"age": "years"}))
    assert {c["column"]: c["kind"] for c in found["columns"] if c["changed"]} == {"age": "missing", "years": "extra"}


def test_dependent_rows_are_not_taken_for_a_change():
    def walk(seed):
        steps = np.random.default_rng(seed).normal(size=4_000)
        return pd.DataFrame({"x": pd.Series(steps).ewm(alpha=0.02).mean()})

    assert sum(bool(compare(walk(0), walk(seed))["changed"]) for seed in range(1, 41)) <= 4


def test_an_empty_table_is_refused():
    with pytest.raises(InvalidInput, match="current table has no rows"):
        compare(table(0), table(1).head(0))


def test_infinite_values_that_the_reference_has_too_are_no_change():
    column = np.where(np.arange(4_000) % 10, np.random.default_rng(0).normal(size=4_000), np.inf)
    table = pa.table({"x": column})
    assert compare(table, table.slice(1_000))["changed"] == []
    assert compare(pa.table({"x": np.nan_to_num(column, posinf=0.0)}), table)["changed"] == ["x"]
