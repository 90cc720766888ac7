import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from setpoint.cli.app import app


@pytest.fixture
def answers(tmp_path):
    rng = np.random.default_rng(0)
    p = rng.uniform(size=500)
    table = pd.DataFrame({"p": p, "y": (rng.uniform(size=500) < p).astype(int), "job": rng.choice(["a", "b"], 500)})
    table.assign(said=(p >= 0.5).astype(int)).to_csv(tmp_path / "answers.csv", index=False)
    return str(tmp_path / "answers.csv")


def run(*words):
    return CliRunner().invoke(app, ["monitor", "evaluate", *words])


def test_a_table_is_measured_for_people_and_for_programs(answers):
    common = (answers, "--target", "y", "--prediction", "said", "--score", "p", "--segment", "job")
    text = run(*common)
    assert text.exit_code == 0, text.output
    assert "500 rows, binary" in text.output
    assert "roc_auc" in text.output
    found = json.loads(run(*common, "--gain", "tp=1,fp=-1,fn=0,tn=0", "--json").output)
    assert {m["metric"] for m in found["metrics"]} > {"roc_auc", "value_per_decision"}
    assert {m["segment"] for m in found["segments"]} == {"job=a", "job=b"}


def test_classes_can_have_a_column_each(answers):
    found = run(
        answers, "--target", "y", "--prediction", "said", "--score", "1=p", "--score", "0=p", "--metric", "roc_auc"
    )
    assert found.exit_code == 0, found.output


@pytest.mark.parametrize("gain", ["tp=1", "tp=x,fp=0,fn=0,tn=0", "nonsense"])
def test_a_gain_that_is_none_is_refused(answers, gain):
    found = run(answers, "--target", "y", "--prediction", "said", "--gain", gain)
    assert found.exit_code != 0
