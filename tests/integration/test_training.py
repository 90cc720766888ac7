"""Trainings in processes of their own: what they make, and how each way of failing is told."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput, JobFailed, SetpointError
from setpoint.update.job import Killed, run_fit
from setpoint.update.trainers import user
from setpoint.update.trainers.request import FitRequest
from tests.trainings import BINARY, REGRESSION, a_job, a_regressor, classes, failure, made_by, rows


def a_request(folder: Path) -> FitRequest:
    return FitRequest(
        artifact=folder / "model.joblib", table=rows(), schema=REGRESSION, workdir=folder, method=Method.OWN
    )


def test_a_scikit_learn_model_is_cloned_and_fitted_the_same_each_time(tmp_path: Path) -> None:
    parent, said = a_regressor(tmp_path), list[str]()
    job = a_job(tmp_path, rows())
    made = [made_by(job, parent, REGRESSION, tmp_path / w, timeout_s=60, progress=said.append) for w in ("w1", "w2")]
    first, second = (joblib.load(path) for path in made)
    X = rows().to_pandas()[["a", "b"]]
    assert np.array_equal(first.predict(X), second.predict(X))
    assert np.corrcoef(first.predict(X), X["a"])[0, 1] > 0.9  # the parent had learnt the opposite
    assert list(first.feature_names_in_) == ["a", "b"]
    assert first.random_state == 0
    assert "training on 400 rows (refit)" in said


def test_the_rows_for_its_line_are_kept_from_a_model(tmp_path: Path) -> None:
    apart, said = rows(100).set_column(2, "y", pa.array(np.full(100, 1_000.0))), list[str]()
    job = replace(a_job(tmp_path, pa.concat_tables([rows(), apart])), lined_rows=100)
    made = joblib.load(
        made_by(job, a_regressor(tmp_path), REGRESSION, tmp_path / "w", timeout_s=60, progress=said.append)
    )
    assert made.predict(rows().to_pandas()[["a", "b"]]).max() < 100.0
    assert "training on 400 rows (refit)" in said


def test_a_skops_classifier_keeps_its_format_and_its_classes(tmp_path: Path) -> None:
    frame = classes().to_pandas()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(
        frame[["a", "b"]].to_numpy(), frame["y"].to_numpy(object)
    )
    skops.io.dump(model, tmp_path / "model.skops")
    made = made_by(a_job(tmp_path, classes()), tmp_path / "model.skops", BINARY, tmp_path / "w", timeout_s=60)
    fitted = skops.io.load(made, trusted=skops.io.get_untrusted_types(file=made))
    assert made.name == "model.skops"
    assert list(fitted.classes_) == ["no", "yes"]


@pytest.mark.parametrize("labels", [[0.0, 1.0], [0, 1], [False, True]])
def test_classes_written_as_numbers_of_any_kind_are_known(tmp_path: Path, labels: list[float]) -> None:
    table = classes().set_column(2, "y", pa.array([labels[label == "yes"] for label in classes()["y"].to_pylist()]))
    joblib.dump(
        LogisticRegression().fit(table.select(["a", "b"]).to_pandas(), table["y"].to_numpy()), tmp_path / "m.joblib"
    )
    schema = replace(BINARY, classes=(0, 1))
    made = made_by(a_job(tmp_path, table), tmp_path / "m.joblib", schema, tmp_path / "w", timeout_s=60)
    assert list(joblib.load(made).classes_) == [0, 1]


@pytest.mark.slow
@pytest.mark.timeout(300)  # TensorFlow is imported three times
@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 with NumPy 2
def test_a_keras_training_that_is_killed_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(1)]
    keras.Sequential([keras.Input((2,)), *layers]).save(tmp_path / "m.keras")
    job, said = a_job(tmp_path, rows(2_000)), list[str]()

    def killed(line: str) -> None:
        if "epoch 5:" in line:
            pids = " ".join(c.read_text() for c in Path("/proc/self/task").glob("*/children")).split()
            (pid,) = (p for p in pids if b"setpoint.update.fit" in Path(f"/proc/{p}/cmdline").read_bytes())
            os.kill(int(pid), signal.SIGKILL)

    def train(folder: str, progress: Callable[[str], None]) -> Path:
        return made_by(job, tmp_path / "m.keras", REGRESSION, tmp_path / folder, timeout_s=200, progress=progress)

    with pytest.raises(Killed):
        train("w1", killed)
    made = train("w1", said.append), train("w2", lambda line: None)
    assert not any("epoch 5:" in line for line in said)
    weights = [keras.saving.load_model(path).get_weights() for path in made]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_the_users_own_function_is_given_rows_schema_and_artefact(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import joblib\nfrom helper import twice\n"
        "def fit(table, schema, artifact):\n"
        "    names = [f['name'] for f in schema['features']]\n"
        "    model = joblib.load(artifact)\n"
        "    return model.set_params(max_iter=twice(2)).fit(table[names], table[schema['target']])\n"
    )
    (tmp_path / "helper.py").write_text("def twice(x):\n    return 2 * x\n")
    job = a_job(tmp_path, rows(), "train.py:fit")
    made = made_by(job, a_regressor(tmp_path), REGRESSION, tmp_path / "w", timeout_s=60)
    assert joblib.load(made).max_iter == 4


def test_the_users_own_function_gets_what_else_it_names(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import joblib\n"
        "def fit(table, schema, artifact, *, seed, progress, checkpoint, weights=7):\n"
        "    (checkpoint / 'state').write_text('kept')\n"
        "    progress(f'{seed} {weights}', done=0.5)\n"
        "    return joblib.load(artifact)\n"
    )
    said = list[str]()
    job = replace(a_job(tmp_path, rows(), "train.py:fit"), seed=3)
    run_fit(job, a_regressor(tmp_path), REGRESSION, tmp_path / "w", timeout_s=60, progress=said.append)
    assert "[50 %] 3 None" in said
    assert (tmp_path / "w" / "work" / "checkpoints" / "state").read_text() == "kept"


def test_an_error_in_the_users_code_is_told_with_its_line(tmp_path: Path) -> None:
    code = "import pandas as pd\n\ndef fit(table, schema, artifact):\n    x = 1\n    return table['nosuch']\n"
    told = failure(tmp_path, rows(), code=code)
    assert told == f"training j1 failed: {tmp_path / 'train.py'}:5: KeyError: 'nosuch'"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def fit(t, s, a):\n    return {'a': 1}\n", "returned dict; a fitted estimator with `predict` was expected"),
        ("def fit(t, s, a):\n    pass\n", "returned nothing; a fitted estimator"),
        ("def train(t, s, a):\n    pass\n", "train.py has no function 'fit'"),
        ("def fit(t, s, a)\n    pass\n", "train.py:1: SyntaxError: expected ':'"),
        ("import nosuchmodule\n", "train.py:1: ModuleNotFoundError: No module named 'nosuchmodule'"),
    ],
)
def test_what_is_wrong_with_the_users_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "train.py").write_text(code)
    with pytest.raises(SetpointError) as told:
        user.fit(f"{tmp_path / 'train.py'}:fit", a_request(tmp_path))
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("nosuch.py:fit", r"there is no file .*nosuch.py"),
        ("train.py", "must name a file and a function, like train.py:fit"),
    ],
)
def test_a_missing_file_or_function_is_told(tmp_path: Path, train: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        user.fit(train, a_request(tmp_path))


def test_a_refusal_comes_through_the_process(tmp_path: Path) -> None:
    told = failure(tmp_path, rows().slice(0, 0))
    assert told == "training j1 failed: the training set has no rows"


def test_an_artefact_that_cannot_be_fitted_is_told(tmp_path: Path) -> None:
    joblib.dump({"weights": [1, 2]}, tmp_path / "model.joblib")
    with pytest.raises(JobFailed, match=r"model.joblib holds dict, which cannot be cloned and fitted"):
        run_fit(a_job(tmp_path, rows()), tmp_path / "model.joblib", REGRESSION, tmp_path / "w", timeout_s=60)
