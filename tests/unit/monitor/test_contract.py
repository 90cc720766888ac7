"""The data contract: what it learns, what it refuses, and that pandera agrees."""

import importlib.util
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from setpoint.domain.data_contract import DataContract
from setpoint.domain.where import truth
from setpoint.errors import InvalidInput
from setpoint.monitor.contract import breaches, contract_of
from setpoint.monitor.pandera import as_pandas, as_pandera

ROWS = 4_000


def orders(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Orders of a shop: sums, orders in time, a dependency, an implication, and columns that stand alone."""
    rng = np.random.default_rng(seed)
    net = rng.gamma(2, 30, rows).round(2)
    tax = (net * rng.choice([0.07, 0.19], rows)).round(2)
    sent = rng.integers(0, 1_000, rows)
    place, married = rng.integers(0, 60, rows), rng.random(rows) < 0.6
    return pd.DataFrame(
        {
            "id": [f"r{at}" for at in range(rows)],
            "placed": pd.date_range("2024-01-01", periods=rows, freq="min"),
            "net": net,
            "tax": tax,
            "total": net + tax,
            "sent": sent,
            "came": sent + rng.integers(0, 300, rows),
            "zip": [f"{10_000 + v}" for v in place],
            "city": [f"c{v // 10}" for v in place],
            "married": np.where(married, "yes", "no"),
            "spouse income": np.where(married, rng.normal(30, 5, rows), np.nan),
            "load": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "paid": rng.random(rows) < 0.3,
            "level": rng.choice(["low", "mid", "high"], rows),
        }
    )


@pytest.fixture(scope="module")
def contract() -> DataContract:
    return contract_of(pa.Table.from_pandas(orders()), given=("net >= 0 and (load is None or load < 100)",))


@pytest.fixture(scope="module")
def module(contract: DataContract, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The exported contract, imported from its file."""
    file = tmp_path_factory.mktemp("contract") / "exported.py"
    file.write_text(as_pandera(contract, 'orders "of a shop"'))
    spec = importlib.util.spec_from_file_location("exported", file)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_planted_rules_are_found_and_nothing_else(contract):
    assert {f"{r.text}, where {r.among}" if r.among else r.text for r in contract.rules} == {
        "net >= 0 and (load is None or load < 100)",
        "total == net + tax",
        "sent <= came",
        "zip determines city",
        "inputs['spouse income'] is None, where married == 'no'",
        "inputs['spouse income'] is not None, where married == 'yes'",
    }


def test_the_terms_of_columns(contract):
    terms = {c.name: c for c in contract.columns}
    assert terms["id"].unique
    assert not terms["sent"].unique
    assert terms["placed"].increasing
    assert terms["level"].levels == ("high", "low", "mid")
    assert terms["net"].low == 0.0
    assert terms["tax"].most_nulls == 0.0
    assert 0.1 < terms["load"].most_nulls < 0.16
    assert [terms[name].dtype for name in ("paid", "sent", "net", "zip", "placed")] == [
        "bool", "int64", "float64", "string", "timestamp",
    ]  # fmt: skip


PLANTED = {
    "total": lambda d: d.assign(total=d["total"].where(d.index != 7, d["total"] + 1)),
    "came": lambda d: d.assign(came=d["came"].where(d.index != 7, d["sent"] - 1).clip(0)),
    "city": lambda d: d.assign(city=d["city"].where(d.index != 7, "c0" if d["city"][7] != "c0" else "c1")),
    "spouse income": lambda d: d.assign(**{"spouse income": d["spouse income"].where(d["married"] == "yes", 20.0)}),
    "id": lambda d: d.assign(id=d["id"].where(d.index != 7, "r6")),
    "placed": lambda d: d.assign(placed=d["placed"].where(d.index != 7, pd.Timestamp("2023-01-01"))),
    "level": lambda d: d.assign(level=d["level"].where(d.index != 7, "LOW")),
    "net": lambda d: d.assign(net=d["net"].where(d.index != 7), total=d["total"].where(d.index != 7)),
    "load": lambda d: d.assign(load=d["load"].where(d.index % 2 == 0)),
    "tax": lambda d: d.assign(tax=d["tax"] * 100, total=d["net"] + 100 * d["tax"]),
    "given": lambda d: d.assign(load=d["load"].where(d.index != 7, 100.0)),
}


def test_the_reference_and_a_fresh_draw_keep_it(contract, module):
    for frame in (orders(), orders(seed=1)):
        assert breaches(contract, pa.Table.from_pandas(frame)) == ()
        module.schema.validate(frame, lazy=True)


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_refused_by_the_check_and_by_pandera(name, contract, module):
    frame = PLANTED[name](orders())
    found = breaches(contract, pa.Table.from_pandas(frame))
    assert any(name in b.subject for b in found) or name == "given"
    assert found
    with pytest.raises(SchemaErrors):
        module.schema.validate(frame, lazy=True)


def test_a_lost_column_and_another_type_are_said(contract):
    frame = orders().drop(columns="tax").assign(level=1.5)
    said = {b.subject: b.what for b in breaches(contract, pa.Table.from_pandas(frame))}
    assert said == {"tax": "the table lacks the column", "level": "holds float64, expected string"}


@pytest.mark.parametrize(
    ("table", "given", "said"),
    [
        (pa.table({"a": pa.array([], pa.float64())}), (), "no rows"),
        (pa.table({"a": [[1]]}), (), "a contract is about numbers, texts, bools and times"),
        (pa.table({"start": [1.0], "end": [2.0]}), ("strat <= end",), r"strat is no column \(did you mean 'start'\?\)"),
        (pa.table({"start": [1.0], "end": [2.0]}), ("start <=",), "is no condition"),
        (pa.table({"start": [1.0], "end": [2.0]}), ("1 == 1",), "names no column"),
        (pa.table({"start": [1.0], "end": ["x"]}), ("start <= end",), "cannot be compared"),
    ],
)
def test_what_cannot_be_learnt_is_said(table, given, said):
    with pytest.raises(InvalidInput, match=said):
        contract_of(table, given=given)


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": [1.0]}),
        pa.table({"a": pa.nulls(500, pa.float64()), "b": pa.nulls(500)}),
        pa.table({"a": np.ones(500), "b": np.ones(500), "c": ["x"] * 500}),
        pa.table({"a": np.full(500, np.inf), "b": np.r_[np.nan, np.full(499, -np.inf)], "c": np.arange(500.0)}),
        pa.table({"a": np.r_[1e308, -1e308, np.zeros(498)], "b": np.full(500, 5e-324)}),
    ],
)
def test_odd_tables_have_a_contract_that_they_keep(table):
    found = contract_of(table)
    assert breaches(found, table) == ()
    assert compile(as_pandera(found, "odd"), "odd", "exec")


def test_columns_that_stand_alone_have_terms_and_no_rules():
    low = np.random.default_rng(0).random(400)
    table = pd.DataFrame({"low": low, "high": low + 1, "copy": low})
    assert contract_of(table).rules
    alone = contract_of(table, alone=list(table))
    assert (alone.rules, alone.columns) == ((), contract_of(table).columns)


def test_hidden_columns_tell_nothing_of_their_values():
    found = contract_of(pa.Table.from_pandas(orders()), hidden=("city", "total"))
    bare = {c.name: c for c in found.columns}
    assert not bare["city"].levels
    assert bare["total"].low is None
    assert not any({"city", "total"} & set(r.columns) for r in found.rules)


PIECES = st.sampled_from(
    ["a < b", "a + b == c", "abs(a - b) <= 1", "s == 'x'", "s in ('x', 'y')", "a is None", "not b > 0", "a / b != c"]
)
SOME = ["x", "y", None, "z", "x"]
NUMBERS = st.lists(st.none() | st.integers(-3, 3), min_size=5, max_size=5)


@settings(max_examples=25, deadline=None)
@example(["a / b != c"], "and", [1, 0, None, -2, 3], [0, 0, 1, 0, 1], [0, 0, 0, 1, 3])
@given(st.lists(PIECES, min_size=1, max_size=3), st.sampled_from(["and", "or"]), NUMBERS, NUMBERS, NUMBERS)
def test_pandas_says_the_same_of_a_condition(module, pieces, word, a, b, c):
    text = f" {word} ".join(f"({piece})" for piece in pieces)
    frame = pd.DataFrame({"a": a, "b": b, "c": c}, dtype="float64").assign(s=SOME)
    plain = {name: pa.array(frame[name], from_pandas=True) for name in "abc"} | {"s": SOME}
    ours = truth(pa.table(plain), text).fill_null(True).to_pylist()
    found = eval(f"lambda d: {as_pandas(text)}", vars(module))(frame.convert_dtypes())
    assert found.astype("boolean").fillna(True).tolist() == ours
