"""setpoint monitor contract, as a person or another program calls it."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from setpoint.cli import main
from setpoint.cli.app import app

RUN = CliRunner()


@pytest.fixture
def tables(tmp_path):
    rng = np.random.default_rng(0)
    start = rng.integers(0, 100, 500)
    good = pd.DataFrame({"start": start, "end": start + rng.integers(0, 50, 500), "y": rng.normal(size=500)})
    good.to_parquet(tmp_path / "good.parquet")
    good.assign(end=good["end"].where(good.index > 0, good["start"] - 1)).to_csv(tmp_path / "bad.csv", index=False)
    return tmp_path


def contract(*words):
    return RUN.invoke(app, ["monitor", "contract", *map(str, words)])


def test_it_is_shown_and_written_in_every_format(tables):
    good = tables / "good.parquet"
    assert "start <= end" in contract(good).output
    assert [r["text"] for r in json.loads(contract(good, "--json").output)["rules"]] == ["start <= end"]
    assert len(yaml.safe_load(contract(good, "--format", "yaml", "--target", "y").output)["columns"]) == 2
    assert contract(good, "--out", tables / "c.py").exit_code == 0
    assert "pa.DataFrameSchema" in (tables / "c.py").read_text()


def test_a_check_ends_with_1_and_names_rows(tables):
    good = tables / "good.parquet"
    assert contract(good, "--check", good).exit_code == 0
    found = contract(good, "--check", tables / "bad.csv", "--json")
    assert found.exit_code == 1
    (broken,) = json.loads(found.output)["breaches"]
    assert (broken["subject"], broken["examples"]) == ("start <= end", [0])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing.csv",), "there is no file nothing.csv"),
        (("good.parquet", "--target", "z"), "--target z: the table has no such column; it has start, end, y"),
        (("good.parquet", "--out", "c.txt"), "--out c.txt: expected a .py, .json or .yaml file"),
    ],
)
def test_what_does_not_fit_is_said(words, said, tables, monkeypatch, capsys):
    monkeypatch.chdir(tables)
    monkeypatch.setattr("sys.argv", ["setpoint", "monitor", "contract", *words])
    with pytest.raises(SystemExit):
        main()
    assert said in " ".join(capsys.readouterr().err.split())
