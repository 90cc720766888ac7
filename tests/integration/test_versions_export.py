"""An exported version answers as the bundle does, where nothing but onnxruntime and NumPy can be imported."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import setpoint
from setpoint.bootstrap.home import open_home
from setpoint.config import Settings
from setpoint.runtime import load

ALONE = """
import runpy, sys
class Blocked:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"setpoint", "sklearn", "pandas", "scipy", "onnx", "pyarrow", "mlflow"}:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
sys.argv = ["predict.py", sys.argv[2]]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Exported:
    """A model, its rows without the target, what the bundle itself answers, and its home."""

    name: str
    home: Path
    rows: pd.DataFrame
    answers: dict[str, Any]

    def alone(self, folder: Path, file: Path) -> list[dict[str, Any]]:
        """Return what predict.py prints for a file."""
        run = [sys.executable, "-c", ALONE, "predict.py", str(file)]
        done = subprocess.run(run, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def check(self, found: list[dict[str, Any]]) -> None:
        """Compare answers with the bundle's own."""
        assert found[0].keys() == self.answers.keys()
        for name, expected in self.answers.items():
            column = [row[name] for row in found]
            if name == "label":
                assert column == expected.tolist()
            else:
                np.testing.assert_allclose(column, expected, rtol=1e-6)


def people() -> tuple[pd.DataFrame, Any, str, str]:
    """Texts, a flag, whole numbers and holes, into two classes."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "age": rng.integers(18, 80, 200),
            "balance": rng.normal(1_000, 400, 200).round(2),
            "job": rng.choice(["admin", "retired, at last", 'the "boss"'], 200),
            "loan": rng.random(200) < 0.5,
        }
    )
    prepare = make_column_transformer(
        (StandardScaler(), ["age", "balance"]), (OneHotEncoder(), ["job"]), ("passthrough", ["loan"])
    )
    y = np.where(rows["balance"] + 300 * rows["loan"] + rng.normal(0, 300, 200) > 1_200, "yes", "no")
    model = make_pipeline(prepare, LogisticRegression()).fit(rows, y)
    return rows.assign(y=y), model, "binary", "y"


def sugar() -> tuple[pd.DataFrame, Any, str, str]:
    """One matrix into a number."""
    rows = load_diabetes(as_frame=True).frame.head(200)
    return rows, Ridge().fit(rows.drop(columns="target"), rows["target"]), "regression", "target"


@pytest.fixture(scope="module", params=[people, sugar], ids=["people", "sugar"])
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    rows, model, task, target = request.param()
    project, home = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("home")
    joblib.dump(model, project / "model.joblib")
    rows.to_parquet(project / "reference.parquet", index=False)
    metric = "{metric: roc_auc, at_least: 0.6}" if task == "binary" else "{metric: mae, at_most: 99}"
    name = request.param.__name__
    (project / "setpoint.yaml").write_text(
        f"model: {name}\ntask: {task}\nartifact: model.joblib\nreference: reference.parquet\ntarget: {target}\n"
        f"objectives:\n  - {metric}\n"
    )
    version = setpoint.deploy(project, home=home)
    folder = open_home(Settings(home=home)).ports.bundles.folder(name, "v1")
    rows = rows.drop(columns=target)
    columns = {
        n: c.to_numpy(object) if version.schema.features[i].dtype == "string" else c.to_numpy(np.float64)
        for i, (n, c) in enumerate(rows.items())
    }
    return Exported(name, home, rows, load(folder, version).predict(columns))


def test_rows_of_a_table_are_answered_alone(deployed: Exported, tmp_path: Path) -> None:
    folder = setpoint.versions.export(deployed.name, to=tmp_path / "out", home=deployed.home)
    assert {f.name for f in folder.iterdir()} == {
        "README.md", "model.onnx", "predict.py", "requirements.txt", "signature.json",
    }  # fmt: skip
    deployed.rows.to_csv(tmp_path / "rows.csv", index=False)
    deployed.check(deployed.alone(folder, tmp_path / "rows.csv"))
    deployed.rows.to_json(tmp_path / "rows.json", orient="records")
    deployed.check(deployed.alone(folder, tmp_path / "rows.json"))


def test_mlflow_reads_the_directory_and_answers_the_same(deployed: Exported, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("mlflow.pyfunc")
    folder = setpoint.versions.export(deployed.name, to=tmp_path / "out", mlflow=True, home=deployed.home)
    found = mlflow.models.Model.load(str(folder))
    assert found.signature.inputs.input_names() == list(deployed.rows.columns)
    assert found.signature.outputs.input_names() == list(deployed.answers)
    model = mlflow.pyfunc.load_model(str(folder))
    deployed.check(model.predict(deployed.rows).to_dict("records"))
    example = found.load_input_example(str(folder))
    assert len(model.predict(example)) == 1
    assert not (deployed.rows == example.iloc[0]).all(axis=1).any()  # made up
