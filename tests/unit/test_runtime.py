"""A converted model and its native twin answer alike, through the one shape."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from setpoint import runtime
from setpoint.deploy.importers import sklearn as importer
from setpoint.domain.records import Numbers
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import replace, to_json
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import Corrupt, NotFound
from setpoint.runtime.dataframe import frame
from setpoint.runtime.onnx import OnnxModel
from setpoint.runtime.sklearn import SklearnModel

RNG = np.random.default_rng(0)
N = 300
COLUMNS = {
    "a": RNG.normal(size=N),
    "b": RNG.integers(0, 5, N).astype(np.float64),
    "on": RNG.integers(0, 2, N).astype(np.float64),
    "sky": RNG.choice(np.array(["clear", "rain"], dtype=object), N),
}
FEATURES = (
    Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    Feature(name="b", kind=Kind.NUMERIC, dtype=DType.INT),
    Feature(name="on", kind=Kind.NUMERIC, dtype=DType.BOOL),
    Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING),
)
NUMERIC = Schema(features=FEATURES[:3], target="y", task=Task.REGRESSION)
MIXED = Schema(features=FEATURES, target="y", task=Task.BINARY, classes=("no", "yes"))
TRUTH = COLUMNS["a"] + COLUMNS["b"] + 3 * COLUMNS["on"]


@pytest.fixture(scope="module")
def linear():
    return LinearRegression().fit(frame(COLUMNS, NUMERIC), TRUTH)


@pytest.fixture(scope="module")
def mixed():
    encode = make_column_transformer((OneHotEncoder(), ["sky"]), remainder="passthrough")
    X = frame(COLUMNS, MIXED)
    return make_pipeline(encode, LogisticRegression()).fit(X, np.where(TRUTH + (X["sky"] == "rain") > 4, "yes", "no"))


def test_frames_have_the_reference_s_types() -> None:
    X = frame({**COLUMNS, "sky": np.array(["clear", None] * 150, dtype=object)}, MIXED)
    assert [str(t) for t in X.dtypes[:3]] == ["float64", "int64", "bool"]
    assert pd.isna(X["sky"][1])
    holes = np.where(COLUMNS["b"] == 2, np.nan, COLUMNS["b"])
    assert frame({**COLUMNS, "b": holes}, MIXED)["b"].dtype == np.float64


def test_a_number_is_answered_alike(linear) -> None:
    native = SklearnModel(linear, NUMERIC).predict(COLUMNS)
    other = OnnxModel(importer.to_onnx(linear, NUMERIC), NUMERIC).predict(COLUMNS)
    assert list(native) == list(other) == ["prediction"]
    assert native["prediction"].dtype == other["prediction"].dtype == np.float64
    np.testing.assert_allclose(other["prediction"], native["prediction"], rtol=1e-5)


def test_texts_and_numbers_together_are_answered_alike(mixed) -> None:
    native = SklearnModel(mixed, MIXED).predict(COLUMNS)
    other = OnnxModel(importer.to_onnx(mixed, MIXED), MIXED).predict(COLUMNS)
    assert list(native) == ["label", "probability"]
    np.testing.assert_allclose(other["probability"], native["probability"], atol=1e-6)
    assert native["label"].tolist() == other["label"].tolist() == mixed.predict(frame(COLUMNS, MIXED)).tolist()


def test_one_row_and_many_are_answered_alike(mixed) -> None:
    model = OnnxModel(importer.to_onnx(mixed, MIXED), MIXED)
    one = model.predict({name: column[7:8] for name, column in COLUMNS.items()})
    assert one["probability"].shape == (1,)
    assert one["probability"][0] == pytest.approx(model.predict(COLUMNS)["probability"][7], abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, N])
def test_columns_in_one_array_are_answered_like_columns(n, linear) -> None:
    names = NUMERIC.names
    columns = {name: COLUMNS[name][:n] for name in names}
    together = Numbers(names, np.array([columns[name] for name in names]))
    assert {**together}.keys() == columns.keys()
    with pytest.raises(KeyError, match="sky"):
        together["sky"]
    for model in (SklearnModel(linear, NUMERIC), OnnxModel(importer.to_onnx(linear, NUMERIC), NUMERIC)):
        assert model.predict(together)["prediction"].tolist() == model.predict(columns)["prediction"].tolist()


def test_the_threshold_decides_the_label(mixed) -> None:
    p = SklearnModel(mixed, MIXED).predict(COLUMNS)["probability"]
    labels = SklearnModel(mixed, MIXED, 0.9).predict(COLUMNS)["label"]
    assert labels.tolist() == np.where(p > 0.9, "yes", "no").tolist()


@pytest.mark.parametrize("classes", [(0, 1), (False, True), ("no", "yes")])
def test_labels_are_what_the_framework_answers_ties_included(classes) -> None:
    """Four trees tie at one half on many rows; scikit-learn gives those to the first class."""
    schema = replace(NUMERIC, task=Task.BINARY, classes=classes)
    y = np.array(classes, dtype=object if classes[0] == "no" else None)[(RNG.random(N) < 0.5).astype(int)]
    X = frame(COLUMNS, schema)
    forest = RandomForestClassifier(4, random_state=0).fit(X, y)
    answered = SklearnModel(forest, schema).predict(COLUMNS)
    assert (answered["probability"] == 0.5).any()
    assert answered["label"].tolist() == forest.predict(X).tolist()
    assert type(answered["label"].tolist()[0]) is type(classes[0])


def test_a_model_fitted_on_a_matrix_gets_a_matrix() -> None:
    X = np.column_stack([COLUMNS[n] for n in NUMERIC.names])
    model = SklearnModel(LinearRegression().fit(X, TRUTH), NUMERIC)
    np.testing.assert_allclose(model.predict(COLUMNS)["prediction"], TRUTH, atol=1e-9)


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(Corrupt, match="onnxruntime cannot load"):
        OnnxModel(b"nonsense", NUMERIC)


def a_version(runtime_: str, framework: str = "sklearn") -> ModelVersion:
    lineage = Lineage(created=datetime(2024, 1, 1, tzinfo=UTC), reason="test", artifact_sha256="", reference_sha256="")
    return ModelVersion(
        model="m", version="v1", framework=framework, runtime=runtime_, artifact="m.joblib", schema=NUMERIC,
        lineage=lineage, files={},
    )  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path, linear) -> Path:
    joblib.dump(linear, tmp_path / "m.joblib")
    (tmp_path / "model.onnx").write_bytes(importer.to_onnx(linear, NUMERIC))
    return tmp_path


@pytest.mark.parametrize("how", ["onnxruntime", "native"])
def test_a_version_is_loaded_with_its_runtime(bundle: Path, how: str) -> None:
    answered = runtime.load(bundle, a_version(how)).predict(COLUMNS)["prediction"]
    np.testing.assert_allclose(answered, TRUTH, rtol=1e-4, atol=1e-4)


def test_an_unknown_runtime_is_refused(bundle: Path) -> None:
    with pytest.raises(NotFound, match="'native' of 'mxnet'"):
        runtime.load(bundle, a_version("native", "mxnet"))


def test_a_converted_model_needs_no_framework(bundle: Path) -> None:
    """The worker that serves it imports neither pandas nor scikit-learn, pyarrow or TensorFlow."""
    (bundle / "bundle.json").write_bytes(to_json(a_version("onnxruntime")))
    program = f"""
import sys
from pathlib import Path
import numpy as np
from setpoint import runtime
from setpoint.domain.value import from_json
from setpoint.domain.version import ModelVersion
folder = Path({str(bundle)!r})
model = runtime.load(folder, from_json((folder / "bundle.json").read_bytes(), ModelVersion))
model.predict({{n: np.zeros(1) for n in ("a", "b", "on")}})
print(sorted({{"pandas", "sklearn", "pyarrow", "tensorflow", "scipy", "pydantic"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
