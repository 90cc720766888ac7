"""Files that a command cannot use: each refusal read as its user reads it."""

import pickle
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from setpoint.cli import main


class Harmful:
    """Leaves a mark when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its reference, and what may be wrong with either."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(100, 2)), columns=["temp", "load"])
    table["y"] = table["temp"] + 2 * table["load"]
    joblib.dump(LinearRegression().fit(table[["temp", "load"]], table["y"]), folder / "model.joblib")
    changes = {
        "reference": table,
        "no-target": table.drop(columns="y"),
        "no-input": table.rename(columns={"temp": "tmp"}),
        "texts": table.assign(temp=table["temp"].astype(str) + " C"),
        "times": table.assign(temp=pd.Timestamp("2024-01-01")),
        "words": table.assign(y="high"),
        "short": table.head(10),
    }
    for name, changed in changes.items():
        changed.to_csv(folder / f"{name}.csv", index=False)
    table.assign(temp=pd.Timestamp("2024-01-01")).to_parquet(folder / "times.parquet", index=False)
    (folder / "damaged.parquet").write_bytes(b"PAR1 and no more")
    (folder / "table.xlsx").touch()
    (folder / "cut.joblib").write_bytes((folder / "model.joblib").read_bytes()[:200])
    (folder / "words.joblib").write_text("not a model")
    (folder / "empty.joblib").touch()
    (folder / "model.bin").touch()
    joblib.dump({"a": 1}, folder / "dict.joblib")
    (folder / "harmful.pkl").write_bytes(pickle.dumps(Harmful(folder / "mark")))
    return folder


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], files: Path) -> Any:
    """Return a function: what a command that must fail says, run in the folder of the files."""
    monkeypatch.chdir(files)

    def says(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["setpoint", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 1
        told = capsys.readouterr().err
        assert "Traceback" not in told
        return told.removeprefix("setpoint: ").strip()

    return says


@pytest.mark.parametrize(
    ("model", "reference", "said"),
    [
        ("nosuch.joblib", "reference.csv", "there is no model file at nosuch.joblib"),
        ("words.joblib", "reference.csv", "words.joblib is damaged, or no pickle"),
        ("cut.joblib", "reference.csv", "cut.joblib is damaged, or no pickle"),
        ("empty.joblib", "reference.csv", "empty.joblib is damaged, or no pickle"),
        ("model.bin", "reference.csv", "model.bin: no scanner for '.bin' files; known: .joblib, .pkl"),
        ("dict.joblib", "reference.csv", "the file holds a dict, which has no predict; save the fitted estimator"),
        ("model.joblib", "nosuch.csv", "there is no reference table at nosuch.csv"),
        ("model.joblib", "damaged.parquet", "cannot read the table"),
        ("model.joblib", "table.xlsx", "must be a .parquet or .csv file"),
        ("model.joblib", "no-target.csv", "the reference has no column 'y' (`target:`); it has temp, load"),
        ("model.joblib", "no-input.csv", "the reference lacks 'temp'; did you mean 'tmp'?"),
        ("model.joblib", "texts.csv", "'temp' holds text such as"),
        ("model.joblib", "times.parquet", "column 'temp' of the reference holds timestamp"),
        ("model.joblib", "words.csv", "task regression needs a numeric target; 'y' holds string, such as 'high'"),
        ("model.joblib", "short.csv", "the reference has 10 rows; at least 30 are needed"),
    ],
)  # fmt: skip
def test_what_init_cannot_use_is_said_and_nothing_is_written(
    says: Any, files: Path, model: str, reference: str, said: str
) -> None:
    assert said in says("init", model, reference, "--target", "y")
    assert not (files / "setpoint.yaml").exists()


def test_a_pickle_that_acts_is_refused_and_does_not_act(says: Any, files: Path) -> None:
    told = says("init", "harmful.pkl", "reference.csv", "--target", "y")
    assert told.startswith("harmful.pkl ")
    assert "pathlib" in told
    assert "not loaded" in told
    assert not (files / "mark").exists()
    pickle.loads((files / "harmful.pkl").read_bytes())  # it would have
    assert (files / "mark").exists()


def test_a_name_that_cannot_be_is_said_before_anything_is_written(says: Any, files: Path) -> None:
    told = says("init", "model.joblib", "reference.csv", "--target", "y", "--model", "My Model")
    assert "'My Model' must be 1 to 64 of a-z, 0-9, dot, dash and underscore" in told
    assert not (files / "setpoint.yaml").exists()


def test_a_setpoint_file_that_is_there_is_not_replaced(says: Any, tmp_path: Path) -> None:
    (tmp_path / "setpoint.yaml").write_text("mine")
    told = says("init", "model.joblib", "reference.csv", "--target", "y", "--dir", tmp_path)
    assert told == f"{tmp_path / 'setpoint.yaml'} exists; --force replaces it"
    assert (tmp_path / "setpoint.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("artifact: model.joblib", "artifact: nosuch.joblib"), "there is no model file at"),
        (("reference: reference.csv", "reference: no-target.csv"), "the reference has no column 'y' (`target:`)"),
        (("reference: reference.csv", "reference: texts.csv"), "'temp' holds text such as"),
        (("task: regression", "task: binary"), "the setpoint file says task binary, and the model is made for regress"),
    ],
)
def test_what_deploy_cannot_use_is_said_and_nothing_is_deployed(
    says: Any, files: Path, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = (
        "model: m\ntask: regression\nartifact: model.joblib\nreference: reference.csv\ntarget: y\n"
        "objectives: [{metric: availability, at_least: 0.9}]\n"
    )
    (files / "changed.yaml").write_text(text.replace(*change))
    assert said in says("deploy", "changed.yaml")
    assert says("status", "m") == "no model called 'm' is deployed; deployed are: none"
