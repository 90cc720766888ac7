"""Two tables side by side, of any make, in memory or in files."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import ks_2samp

from setpoint.errors import InvalidInput
from setpoint.monitor import compare


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
        ours += bool(compare(reference, current).changed)
        dummy += ks_2samp(reference["age"], current["age"]).statistic > 0.03
    assert ours <= 3
    assert dummy > 30


CHANGES = [
    ("nulls", "age", lambda c: c.where(np.arange(len(c)) % 5 > 0)),
    ("unit", "amount", lambda c: c * 100),
    ("shift", "age", lambda c: c + 3),
    ("scale", "age", lambda c: 40 + 1.3 * (c - 40)),
    ("renamed", "job", lambda c: c.replace("cook", "chef")),
    ("new_level", "job", lambda c: c.where(np.arange(len(c)) % 10 > 0, "pilot")),
    ("frequency", "job", lambda c: c.where(np.arange(len(c)) % 3 > 0, "driver")),
    ("frequency", "flag", lambda c: c | (np.arange(len(c)) % 4 == 0)),
    ("range", "amount", lambda c: c.where(np.arange(len(c)) % 10 > 0, 9_999.0)),
    ("frozen", "age", lambda c: c.where(np.arange(len(c)) < 1_500, c[1_500])),
    ("type", "age", lambda c: c.astype(str)),
]


@pytest.mark.parametrize(("kind", "column", "change"), CHANGES, ids=[f"{kind}-{column}" for kind, column, _ in CHANGES])
def test_a_change_is_found_and_named(kind, column, change):
    found = compare(pa.Table.from_pandas(table(0)), table(1, **{column: change}))
    assert found.changed == (column,)
    assert found[column].kind == kind
    assert found[column].low > found[column].floor


def test_missing_and_extra_columns_are_changes():
    found = compare(table(0), table(1).rename(columns={"age": "years"}))
    assert {c.column: c.kind for c in found.columns if c.changed} == {"age": "missing", "years": "extra"}


def test_exchanged_columns_are_named_together():
    found = compare(table(0), table(1).rename(columns={"age": "amount", "amount": "age"}))
    assert {c.column: c.kind for c in found.columns if c.changed} == {"age": "swapped", "amount": "swapped"}


def test_dependent_rows_are_not_taken_for_a_change():
    def walk(seed):
        steps = np.random.default_rng(seed).normal(size=4_000)
        return pd.DataFrame({"x": pd.Series(steps).ewm(alpha=0.02).mean()})

    assert sum(bool(compare(walk(0), walk(seed)).changed) for seed in range(1, 41)) <= 1


def test_infinite_values_that_the_reference_has_too_are_no_change():
    column = np.where(np.arange(4_000) % 10, np.random.default_rng(0).normal(size=4_000), np.inf)
    table = pa.table({"x": column})
    assert compare(table, table.slice(1_000)).changed == ()
    assert compare(pa.table({"x": np.nan_to_num(column, posinf=0.0)}), table).changed == ("x",)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    first, second = table(0), table(1, age=lambda c: c + 5)
    for name, frame in (("a", first), ("b", second)):
        frame.to_parquet(folder / f"{name}.parquet", row_group_size=300)
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


MAKES = {"pandas": pd.read_parquet, "polars": pl.read_parquet, "arrow": pq.read_table, "text": str, "path": Path}


@pytest.mark.parametrize("made", MAKES.values(), ids=MAKES)
def test_tables_of_any_make_give_the_same(files, made):
    whole = compare(files / "a.parquet", files / "b.parquet").to_dict()
    assert compare(made(files / "a.parquet"), made(files / "b.parquet")).to_dict() == whole
    assert whole["changed"] == ["age"]


def test_csv_files_are_compared(files):
    assert compare(files / "a.csv", files / "b.csv").changed == ("age",)


def test_what_a_comparison_says_can_be_shown_and_stored(files):
    found = compare(files / "a.parquet", files / "b.parquet", columns=["age", "job"])
    said = json.loads(json.dumps(found.to_dict()))
    assert said["rows"] == {"reference": 2_000, "current": 2_000}
    assert said["changed"] == ["age"]
    assert {"column", "changed", "kind", "effect", "detail", "psi", "jensen_shannon", "ks"} <= said["columns"][0].keys()
    assert found.to_frame()["column"].tolist() == ["age", "job"]
    assert "1 of 2 columns changed" in str(found)
    assert "shift" in str(found)
    assert "<table>" in found._repr_html_()


def test_texts_of_a_table_are_escaped_in_notebooks():
    found = compare(pa.table({"<b>": ["x"] * 50}), pa.table({"<b>": ["<script>"] * 50}))
    assert "<script>" not in found._repr_html_()
    assert "&lt;b&gt;" in found._repr_html_()


N = 400
ODD = {
    "empty": ([], []),
    "one row": ([1.0], [2.0]),
    "constant": ([1.0] * N, [1.0] * N),
    "a new constant": ([1.0] * N, [2.0] * N),
    "all null": (pa.array([None] * N, pa.float64()), pa.array([None] * N, pa.float64())),
    "null type": (pa.nulls(N), pa.nulls(N)),
    "now null": ([1.0, 2.0] * N, pa.nulls(2 * N)),
    "infinite": ([np.inf] * N, [-np.inf] * N),
    "huge": ([1e308, -1e308] * N, [1.7e308, 1e300] * N),
    "tiny numbers": ([5e-324, 1e-310] * N, [0.0, 5e-324] * N),
    "nested": ([[1, 2]] * N, [[1]] * N),
    "structs": ([{"a": 1}] * N, [{"a": None}] * N),
    "bytes": ([b"\xff"] * N, [b"\x00"] * N),
    "dates": ([datetime(2024, 1, 1, tzinfo=UTC)] * N, [datetime(2025, 1, 1, tzinfo=UTC)] * N),
    "durations": ([timedelta(1)] * N, [timedelta(2)] * N),
    "one level": (["a"] * N, ["a"] * N),
    "empty texts": ([""] * N, ["", "x"] * N),
    "ids": ([f"id {n}" for n in range(N)], [f"no {n}" for n in range(N)]),
}


@pytest.mark.parametrize(("reference", "current"), ODD.values(), ids=ODD)
def test_whatever_a_column_holds_there_is_a_clear_statement(reference, current):
    found = compare(pa.table({"x": reference}), pa.table({"x": current}))
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert str(found)
    assert found._repr_html_()
    assert compare(pa.table({"x": reference}), pa.table({"x": reference})).changed == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a new constant", "range"), ("now null", "nulls"), ("empty texts", "new_level")],
)
def test_odd_columns_that_changed_are_named(name, kind):
    reference, current = ODD[name]
    assert compare(pa.table({"x": reference}), pa.table({"x": current}))["x"].kind == kind


def test_a_table_in_another_order_has_not_frozen():
    grouped = table(1).sort_values("job")
    assert compare(table(0), grouped).changed == ()


def test_too_few_rows_to_tell_say_how_many_it_takes():
    few = compare(table(0, 12), table(1, 12))
    assert few.changed == ()
    assert few["age"].detail.startswith("too few rows to tell: 12; a shift of 0.2 sd needs about")
    assert compare(table(0), table(1))["age"].detail == ""


def test_tables_of_no_columns_or_rows_say_so():
    assert "Neither table has columns." in str(compare(pa.table({}), pa.table({})))
    empty = compare(table(0), table(1).head(0))
    assert empty.changed == ()
    assert "The current table has no rows." in empty.notes


def test_columns_of_one_name_are_numbered_and_mixed_values_are_texts():
    frame = pd.DataFrame([[1, "a"], ["b", 2.5]] * 50, columns=["x", "x"])
    found = compare(frame, frame)
    assert {c.column for c in found.columns} == {"x", "x (2)"}
    assert found.changed == ()


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"reference": 3}, "the reference table is a int"),
        ({"current": "none.parquet"}, "there is no file none.parquet"),
        ({"target": "agee"}, "neither table has a column 'agee'; did you mean 'age'?"),
    ],
)
def test_bad_input_says_what_to_do(bad, told):
    with pytest.raises(InvalidInput, match=told):
        compare(**{"reference": table(0), "current": table(1), **bad})


def scored(seed, n=6_000, slope=1.0, offset=0.0, moved=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(moved, 1.2, n)
    score = 1 / (1 + np.exp(-x))
    label = rng.random(n) < 1 / (1 + np.exp(-(slope * x + offset)))
    return pd.DataFrame({"score": score, "label": label.astype(int)})


@pytest.mark.parametrize(
    ("current", "label", "score"),
    [
        (scored(1), "", ""),
        (scored(1, slope=0.0), "concept", ""),
        (scored(1, offset=1.0), "prior", ""),
        (scored(1, moved=1.0), "prior", "shift"),
    ],
    ids=["like with like", "another relation", "more of all", "other inputs"],
)
def test_label_and_score_tell_concept_from_prior(current, label, score):
    found = compare(scored(0), current, target="label", prediction="score")
    assert (found["label"].kind, found["score"].kind) == (label, score)
    words = {0: "no", 1: "yes"}
    named = [each.assign(label=each["label"].map(words)) for each in (scored(0), current)]
    assert compare(*named, target="label", prediction="score")["label"].kind == label


def test_errors_of_a_regression_tell_a_change_of_concept():
    def told(seed, bias):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=4_000)
        return pd.DataFrame({"y": 3 * x + rng.normal(size=4_000) + bias * (x > 0), "p": 3 * x})

    assert compare(told(0, 0), told(1, 0), target="y", prediction="p").changed == ()
    assert compare(told(0, 0), told(1, 1.0), target="y", prediction="p")["y"].kind == "concept"


def test_rows_are_put_in_the_order_of_time():
    steps = np.random.default_rng(0).normal(size=4_000)
    walk = pd.DataFrame({"at": np.arange(4_000), "x": pd.Series(steps).ewm(alpha=0.01).mean()})
    first, second = walk.head(2_000), walk.tail(2_000)
    mixed = first.sample(frac=1, random_state=0), second.sample(frac=1, random_state=1)
    assert compare(*mixed, columns=["x"]).changed == ("x",)
    assert compare(*mixed, time="at").changed == ()


def test_comparing_imports_neither_pandas_nor_the_loop(files):
    script = (
        "import sys, setpoint\n"
        f"setpoint.monitor.compare({str(files / 'a.parquet')!r}, {str(files / 'b.parquet')!r}, time='age')\n"
        "print([m for m in ('pandas', 'sklearn', 'setpoint.loop', 'setpoint.api') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.slow
def test_large_tables_are_counted_by_a_grid_and_conclude_the_same():
    rng = np.random.default_rng(0)
    n = 400_000
    first = {"x": rng.normal(size=n), "y": rng.lognormal(size=n), "z": np.maximum(rng.normal(size=n), 0)}
    second = {"x": rng.normal(0.1, 1, n), "y": 1_000 * rng.lognormal(size=n), "z": np.maximum(rng.normal(size=n), 0)}
    found = compare(pa.table(first), pa.table(second))
    assert {c.column: c.kind for c in found.columns if c.changed} == {"x": "shift", "y": "unit"}
    assert compare(pa.table(first), pa.table({**first, "x": second["x"] - 0.08})).changed == ()


def test_relations_are_compared_where_asked_for():
    """The single columns stay as they are; only what they do together turns."""
    rng = np.random.default_rng(1)
    x, noise, word = rng.normal(size=3_000), rng.normal(size=3_000), rng.choice(["a", "b"], 3_000)
    before = pd.DataFrame({"x": x, "y": 0.8 * x + 0.6 * noise, "word": word})
    after = pd.DataFrame({"x": x, "y": -0.8 * x + 0.6 * noise, "word": word})
    found = compare(before, after, relations=True)
    assert found.changed == ()
    assert found.to_dict()["relations"]["pairs"][0]["columns"] == ("x", "y")
    assert "x and y (0.80 → -0.79)" in str(found)
    assert compare(before, before, relations=True).notes == ("Columns go together as they did.",)
    assert "not compared" in compare(before[:20], after[:20], relations=True).notes[-1]
    assert compare(before, after).relations is None


def test_another_unit_is_called_however_much_neighbouring_rows_hang_together():
    """Half a year of weather is worth few independent rows; twice the range outside of it is a change all the same."""
    hours = np.arange(8_000)
    rng = np.random.default_rng(2)
    season = 10 - 12 * np.cos(2 * np.pi * hours / 8_766) + 4 * np.sin(2 * np.pi * hours / 24)
    celsius = pd.DataFrame({"temp": season + rng.normal(0, 1, len(hours))})
    assert compare(celsius[:4_000], celsius[4_000:]).changed == ()
    found = compare(celsius[:4_000], 1.8 * celsius[4_000:] + 32)["temp"]
    assert (found.kind, found.detail) == ("unit", "1.8 × the reference + 32")
