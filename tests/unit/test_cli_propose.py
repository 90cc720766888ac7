"""setpoint monitor propose on tables: what people and programs are told, and what hopeless tables are told."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import setpoint
from setpoint.cli import main
from setpoint.cli.app import app
from setpoint.errors import InvalidInput


def reference(rows=3_000, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 3, rows)
    return pd.DataFrame(
        {
            "at": pd.date_range("2024-01-01", periods=rows, freq="10min"),
            "row_id": np.arange(rows),
            "amount": rng.normal(100, 20, rows),
            "growing": np.arange(rows) + rng.normal(0, 50, rows),
            "plan": rng.choice(["basic", "pro"], rows),
            "sex": rng.choice(["f", "m"], rows),
            "nothing": np.full(rows, np.nan),
            "same": 1.0,
            "month": np.repeat([1, 2, 3], rows // 3),
            "paid": (rng.random(rows) < p).astype(int),
            "p": p,
        }
    )


def proposed(**changes):
    return setpoint.monitor.propose(reference().assign(**changes), target="paid", prediction="p")


def test_a_table_is_said_for_people_and_for_programs(tmp_path):
    file = tmp_path / "reference.parquet"
    reference().to_parquet(file)
    words = ["monitor", "propose", str(file), "--target", "paid", "--prediction", "p"]
    text = CliRunner().invoke(app, words)
    assert text.exit_code == 0, text.output
    assert "binary, 3,000 reference rows over 20.8 days; 140 records a day" in text.output
    assert "roc_auc" in text.output
    found = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    first = found["watches"][0]
    assert (first["metric"], first["held"]) == ("roc_auc", True)
    assert first["low"] < first["measured"] < first["high"]
    assert found["segments"] == ["plan"]
    assert found["sensitive"] == ["sex"]


def test_every_watch_says_what_it_sees():
    found = proposed()
    quality = found.of("quality")
    assert [w.held for w in quality] == [True] + [False] * (len(quality) - 1)
    for w in (*quality, *found.of("drift"), *found.of("data_quality")):
        assert w.smallest is None or w.smallest > 0
        assert w.smallest is None or w.smallest_95 is None or w.smallest_95 >= w.smallest
        assert 0 < w.false_alarms <= 2
        needed = [n.rows for n in w.needs if n.rows is not None]
        assert needed == sorted(needed, reverse=True)  # smaller changes need more
    assert sum(w.false_alarms for w in found.watches if w.held) < 12  # budgets of families, each below 2
    assert len(found.to_frame()) == len(found.watches)


def test_odd_columns_are_named():
    told = {note.column: note.text for note in proposed().columns}
    assert "every value is null" in told["nothing"]
    assert "constant" in told["same"]
    assert "an id" in told["row_id"]
    assert "runs are watched" in told["month"]
    notes = " ".join(proposed().notes)
    assert "yearly season cannot be told" in notes
    assert "growing" in notes


def test_a_bigger_stream_gets_a_shorter_window_and_a_trickle_an_honest_word():
    often = proposed(at=pd.date_range("2024-01-01", periods=3_000, freq="s")).of("quality")[0]
    rare = proposed(at=pd.date_range("2024-01-01", periods=3_000, freq="2h")).of("quality")[0]
    assert often.window_s < rare.window_s == 28 * 86_400
    assert not often.remark
    assert "outcomes: " in rare.remark
    assert rare.remark.endswith("12 a day")


def test_dependent_rows_are_worth_fewer():
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=3_000))
    found = proposed(paid=walk, p=np.zeros(3_000))
    assert found.worth < 300
    assert any("independent ones" in note for note in found.notes)
    assert proposed().worth > 1_000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"paid": 0}, "All 3,000 outcomes scored are 0"),
        ({"paid": "a", "p": "a"}, "All 3,000 labels scored are right"),
        ({"at": 1}, "No event time is known"),
    ],
)
def test_what_cannot_be_proposed_is_said(changes, said):
    if changes.get("paid") == "a":
        changes = {"paid": ["a", "b", "c"] * 1_000, "p": ["a", "b", "c"] * 1_000}
    assert any(said in note for note in proposed(**changes).notes)


def test_few_rows_promise_nothing():
    few = setpoint.monitor.propose(reference().head(20), target="paid", prediction="p")
    assert few.of("quality") == ()
    assert any("Only 20 rows have an outcome" in note for note in few.notes)
    assert "how it moves cannot be learnt" in str(few)


def test_hopeless_tables_are_refused():
    with pytest.raises(InvalidInput, match="no rows"):
        setpoint.monitor.propose(reference().head(0))
    with pytest.raises(InvalidInput, match="no column 'x'; it has at, row_id"):
        setpoint.monitor.propose(reference(), target="x")
    with pytest.raises(InvalidInput, match="no column of numbers"):
        setpoint.monitor.propose(reference()[["at", "paid"]], target="paid")


def test_a_missing_file_ends_with_a_word(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["setpoint", "monitor", "propose", "nothing.parquet"])
    with pytest.raises(SystemExit):
        main()
    assert "there is no file nothing.parquet" in capsys.readouterr().err
