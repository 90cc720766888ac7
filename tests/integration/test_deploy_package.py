"""From a model file and a reference to the content of a bundle, in the real subprocess."""

import os
import pickle
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from setpoint import runtime
from setpoint.deploy.convert import convert
from setpoint.deploy.job import Job
from setpoint.deploy.package import PackageRequest, package
from setpoint.deploy.reference import features_of, read_reference
from setpoint.domain.profile import Binning, profile_from_json, profile_of
from setpoint.domain.schema import DType, Task
from setpoint.domain.value import from_json, replace
from setpoint.domain.version import ModelVersion
from setpoint.errors import InvalidInput, JobFailed
from setpoint.govern.scan import scan
from setpoint.monitor.limits import learn

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def sales(rows: int = 1_200) -> pd.DataFrame:
    """Texts, numbers, bools and holes; `won` follows from them."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=rows, freq="h"),
            "job": rng.choice(["clerk", "nurse", "smith", "cook"], rows),
            "age": rng.integers(18, 80, rows),
            "debt": np.where(rng.random(rows) < 0.1, np.nan, rng.lognormal(0, 1, rows)),
            "owner": rng.random(rows) < 0.5,
        }
    )
    odds = 0.05 * (table["age"] - 50) + (table["job"] == "nurse") - table["debt"].fillna(1) + table["owner"]
    return table.assign(won=np.where(rng.logistic(size=rows) < odds, "yes", "no"))


def columns(encoder: object, number: object) -> object:
    return make_column_transformer((encoder, ["job"]), (number, ["age", "debt"]), remainder="passthrough")


def request(tmp_path: Path, model: object, table: pd.DataFrame, target: str, **other: object) -> PackageRequest:
    artifact, reference = tmp_path / "m.joblib", tmp_path / "reference.parquet"
    joblib.dump(model, artifact)
    table.to_parquet(reference)
    return PackageRequest(
        model="m", version="v1", artifact=artifact, reference=reference, target=target, created=NOW, reason="test",
        trusted=scan(artifact), **other,
    )  # fmt: skip


def packaged(tmp_path: Path, asked: PackageRequest) -> tuple[ModelVersion, Path]:
    staged = tmp_path / "staged"
    staged.mkdir()
    return package(asked, staged), staged


def answers(version: ModelVersion, staged: Path) -> tuple[dict, pd.DataFrame]:
    reference = read_reference(staged / "reference.parquet")
    return runtime.load(staged, version).predict(features_of(reference, version.schema.features)), reference.to_pandas()


def test_a_regression_model_becomes_a_whole_bundle(tmp_path: Path) -> None:
    table = load_diabetes(as_frame=True, scaled=False).frame
    model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(
        table.drop(columns="target"), table["target"]
    )
    steps: list[str] = []
    asked = request(tmp_path, model, table, "target")
    (staged := tmp_path / "staged").mkdir()
    version = package(asked, staged, steps.append)
    assert {p.name for p in staged.iterdir()} == {
        "m.joblib", "model.onnx", "reference.parquet", "scores.npy", "binning.json", "profile.json",
    }  # fmt: skip
    assert len(steps) == 3
    assert (version.framework, version.runtime, version.schema.task) == ("sklearn", "onnxruntime", Task.REGRESSION)
    parity = version.variants[1].parity
    assert parity is not None
    assert parity.ok
    assert parity.rows == len(table)
    assert set(version.reference_metrics) >= {"mae", "rmse", "r2", "wape"}
    assert len(version.lineage.artifact_sha256) == 64
    assert {"scikit-learn", "onnx", "onnxruntime", "numpy"} <= version.lineage.packages.keys()
    assert all((version.lineage.setpoint, version.lineage.python, version.lineage.platform))
    assert len(version.lineage.setpoint_sha256) == 64
    answered, _ = answers(version, staged)
    np.testing.assert_allclose(answered["prediction"], model.predict(table.drop(columns="target")), atol=0.01)


def test_the_profile_counts_the_reference_with_its_score(tmp_path: Path) -> None:
    table = load_diabetes(as_frame=True, scaled=False).frame
    model = LinearRegression().fit(table.drop(columns="target"), table["target"])
    _, staged = packaged(tmp_path, request(tmp_path, model, table, "target"))
    binning = from_json((staged / "binning.json").read_bytes(), Binning)
    profile = profile_from_json((staged / "profile.json").read_bytes())
    assert set(profile.columns) == set(binning.columns) == {*table.columns[:-1], "prediction"}
    assert profile.columns["bmi"].rows == len(table)
    assert profile.columns["bmi"].mean == pytest.approx(table["bmi"].mean())
    assert profile.columns["prediction"].mean == pytest.approx(table["target"].mean(), rel=1e-6)
    again = profile_of({"bmi": table["bmi"].to_numpy()}, Binning(columns={"bmi": binning.columns["bmi"]}))
    assert (again.columns["bmi"].bins == profile.columns["bmi"].bins).all()


def test_texts_and_holes_are_served_converted(tmp_path: Path) -> None:
    table = sales()
    number = make_pipeline(SimpleImputer(), StandardScaler())
    model = make_pipeline(columns(OneHotEncoder(handle_unknown="ignore"), number), LogisticRegression(max_iter=500))
    X = table.drop(columns=["won", "when"])
    asked = request(tmp_path, model.fit(X, table["won"]), table, "won", time="when")
    version, staged = packaged(tmp_path, asked)
    assert version.runtime == "onnxruntime", version.variants
    assert version.schema.classes == ("no", "yes")
    assert [f.dtype for f in version.schema.features] == [DType.STRING, DType.INT, DType.FLOAT, DType.BOOL]
    answered, _ = answers(version, staged)
    assert answered["label"].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(answered["probability"], model.predict_proba(X)[:, 1], atol=1e-5)
    assert version.reference_metrics["roc_auc"] > 0.7


def test_a_conversion_that_is_wrong_is_found_and_not_served(tmp_path: Path) -> None:
    """Boosting on categories converts without an error, and answers otherwise: parity sees it."""
    table = sales()
    encode = columns(OrdinalEncoder(), SimpleImputer())
    model = make_pipeline(encode, HistGradientBoostingClassifier(categorical_features=[0], max_iter=30))
    X = table.drop(columns=["won", "when"])
    version, staged = packaged(tmp_path, request(tmp_path, model.fit(X, table["won"]), table, "won", time="when"))
    converted = version.variants[1]
    assert version.runtime == "native"
    assert "not the same model" in converted.why or "conversion failed" in converted.why
    assert not (staged / "model.onnx").exists()
    answered, _ = answers(version, staged)
    assert answered["label"].tolist() == model.predict(X).tolist()


def test_what_has_no_converter_is_served_natively(tmp_path: Path) -> None:
    table = load_breast_cancer(as_frame=True).frame
    model = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression(max_iter=3000))
    asked = request(tmp_path, model.fit(table.drop(columns="target"), table["target"]), table, "target")
    version, staged = packaged(tmp_path, asked)
    assert version.runtime == "native"
    assert "conversion failed" in version.variants[1].why
    assert len(version.variants[1].why) < 400
    assert version.schema.classes == (0, 1)
    answered, _ = answers(version, staged)
    assert answered["label"].tolist() == model.predict(table.drop(columns="target")).tolist()


def test_a_skops_file_and_a_csv_reference_will_do(tmp_path: Path) -> None:
    table = load_breast_cancer(as_frame=True).frame
    model = RandomForestClassifier(20, random_state=0).fit(table.drop(columns="target"), table["target"])
    asked = request(tmp_path, model, table, "target")
    skops.io.dump(model, tmp_path / "m.skops")
    table.to_csv(tmp_path / "reference.csv", index=False)
    asked = replace(
        asked,
        artifact=tmp_path / "m.skops",
        reference=tmp_path / "reference.csv",
        trusted=scan(tmp_path / "m.skops"),
    )
    version, staged = packaged(tmp_path, asked)
    answered, _ = answers(replace(version, runtime="native"), staged)
    np.testing.assert_allclose(answered["probability"], model.predict_proba(table.drop(columns="target"))[:, 1])


def test_a_candidate_keeps_its_parent_s_schema_and_bins(tmp_path: Path) -> None:
    table = sales()
    X = table.drop(columns=["won", "when"])
    model = make_pipeline(
        columns(OneHotEncoder(handle_unknown="ignore"), SimpleImputer()), LogisticRegression(max_iter=500)
    ).fit(X, table["won"])
    parent, staged = packaged(tmp_path, request(tmp_path, model, table, "won", time="when"))
    binning = from_json((staged / "binning.json").read_bytes(), Binning)
    (tmp_path / "late").mkdir()
    late = table.iloc[:400].assign(age=30)
    asked = request(tmp_path / "late", model, late, "won", schema=parent.schema, binning=binning, parent="v1")
    child, staged = packaged(tmp_path / "late", asked)
    assert child.schema == parent.schema
    assert child.lineage.parent == "v1"
    assert from_json((staged / "binning.json").read_bytes(), Binning) == binning


def test_segments_are_cut_from_the_reference_once(tmp_path: Path) -> None:
    table = sales()
    model = LogisticRegression(max_iter=500).fit(table[["age", "owner"]], table["won"])
    first, staged = packaged(tmp_path, request(tmp_path, model, table, "won", time="when", segments=("owner", "age")))
    binning = from_json((staged / "binning.json").read_bytes(), Binning)
    assert list(binning.segments) == ["owner", "age"]
    assert binning.segments["owner"].names("owner")[:2] == ("owner=false", "owner=true")
    assert binning.columns["owner"].kind == "boolean"
    (tmp_path / "later").mkdir()
    asked = request(
        tmp_path / "later", model, table, "won", schema=first.schema, binning=binning, parent="v1", segments=("age",)
    )
    said: list[str] = []
    (tmp_path / "later" / "staged").mkdir()
    package(asked, tmp_path / "later" / "staged", said.append)
    assert said[-1] == "profiling the reference; of the first version stay segments (owner, age)"
    assert from_json((tmp_path / "later" / "staged" / "binning.json").read_bytes(), Binning) == binning


def test_what_the_users_function_describes_is_profiled_beside_the_features(tmp_path: Path) -> None:
    script = tmp_path / "features.py"
    script.write_text("def describe(frame):\n    return {'decade': frame['age'] // 10, 'big': frame['age'] > 60}\n")
    table = sales()
    model = LogisticRegression(max_iter=500).fit(table[["age", "owner"]], table["won"])
    asked = request(tmp_path, model, table, "won", time="when", describe=f"{script}:describe")
    version, staged = packaged(tmp_path, asked)
    binning = from_json((staged / "binning.json").read_bytes(), Binning)
    assert list(binning.columns) == ["age", "owner", "probability", "describe.decade", "describe.big"]
    profile = profile_from_json((staged / "profile.json").read_bytes(), binning)
    assert profile.columns["describe.decade"].mean == pytest.approx((table["age"] // 10).mean())
    features = features_of(read_reference(staged / "reference.parquet"), version.schema.features)
    limits = learn(features, version.schema, binning, np.zeros(len(table)))
    assert list(limits.columns) == ["age", "owner", "probability"]


def test_a_function_that_fails_on_the_reference_is_refused_with_its_line(tmp_path: Path) -> None:
    script = tmp_path / "features.py"
    script.write_text("def describe(frame):\n    return frame['agee']\n")
    table = sales()
    model = LogisticRegression(max_iter=500).fit(table[["age", "owner"]], table["won"])
    asked = request(tmp_path, model, table, "won", time="when", describe=f"{script}:describe")
    with pytest.raises(JobFailed, match=r"profile: .*features.py:2: KeyError: 'agee'"):
        packaged(tmp_path, asked)


def test_a_segment_that_is_no_feature_is_refused(tmp_path: Path) -> None:
    table = sales()
    model = LogisticRegression(max_iter=500).fit(table[["age", "owner"]], table["won"])
    asked = request(tmp_path, model, table, "won", time="when", segments=("ownr",))
    with pytest.raises(InvalidInput, match=r"segments: 'ownr' is no feature of the model; did you mean 'owner'\?"):
        packaged(tmp_path, asked)


def test_the_bundle_keeps_only_what_later_steps_read(tmp_path: Path) -> None:
    table = sales().assign(secret="s")
    model = LogisticRegression(max_iter=500).fit(table[["age", "owner"]], table["won"])
    _, staged = packaged(tmp_path, request(tmp_path, model, table, "won", time="when"))
    assert pq.read_schema(staged / "reference.parquet").names == ["age", "owner", "won", "when"]


AGE = sales()[["age", "won"]]
CLASSIFIER = LogisticRegression().fit(AGE[["age"]], AGE["won"])
MARGINS = LinearSVC().fit(AGE[["age"]], AGE["won"])
ONE = DummyClassifier().fit(AGE[["age"]], np.ones(len(AGE), int))
BOTH = RandomForestClassifier(2).fit(AGE[["age"]], np.stack([AGE["age"] % 2, AGE["age"] % 3], axis=1))
SCALER = StandardScaler().fit(AGE[["age"]])


@pytest.mark.parametrize(
    ("model", "change", "other", "said"),
    [
        (CLASSIFIER, {}, {"target": "win"}, "no column 'win' (`target:`); did you mean 'won'?; it has age, won"),
        (CLASSIFIER, {"age": "old"}, {}, "float: 'old'. In the reference, 'age' holds text such as 'old'"),
        (CLASSIFIER, {"age": np.nan}, {}, "In the reference, 'age' holds nulls"),
        (CLASSIFIER, {"won": "yes"}, {}, "the reference has 1: 'yes'"),
        (CLASSIFIER, {}, {"task": Task.REGRESSION}, "says task regression, and the model is made for binary"),
        (MARGINS, {}, {}, "LinearSVC has no predict_proba; wrap it in CalibratedClassifierCV"),
        (ONE, {}, {}, "DummyClassifier knows one class only, 1"),
        (BOTH, {}, {}, "RandomForestClassifier answers 2 targets at once"),
        (SCALER, {}, {}, "the file holds a StandardScaler, which has no predict"),
        (LogisticRegression(), {}, {}, "the LogisticRegression in the file was never fitted"),
    ],
)
def test_what_does_not_fit_is_said_in_words(tmp_path: Path, model, change, other, said: str) -> None:
    asked = request(tmp_path, model, AGE.assign(**change), **{"target": "won", **other})
    job = Job(
        artifact=str(asked.artifact), framework="sklearn", reference=str(asked.reference), out=str(tmp_path),
        target=asked.target, task=asked.task,
    )  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        convert(job)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refusal_crosses_the_process_as_it_was_meant(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="did you mean 'won'"):
        packaged(tmp_path, request(tmp_path, CLASSIFIER, AGE, "win"))


def test_an_unreadable_model_file_names_what_is_installed(tmp_path: Path) -> None:
    asked = request(tmp_path, CLASSIFIER, AGE, "won")
    asked.artifact.write_bytes(b"nonsense")
    with pytest.raises(InvalidInput, match=r"cannot load m\.joblib: .*Installed here: scikit-learn"):
        packaged(tmp_path, asked)


class Kills:
    """Ends the process that loads it: stands for a converter that crashes."""

    def __reduce__(self):
        return os._exit, (7,)


def test_a_job_that_dies_or_hangs_is_reported(tmp_path: Path) -> None:
    asked = request(tmp_path, CLASSIFIER, AGE, "won")
    with pytest.raises(JobFailed, match=r"longer than 0\.01 s"):
        packaged(tmp_path, replace(asked, timeout_s=0.01))
    asked.artifact.write_bytes(pickle.dumps(Kills()))
    (tmp_path / "again").mkdir()
    with pytest.raises(JobFailed, match="exit code 7"):
        packaged(tmp_path / "again", asked)


def test_a_candidate_of_other_classes_is_refused(tmp_path: Path) -> None:
    asked = request(tmp_path, CLASSIFIER, AGE, "won")
    job = Job(artifact=str(asked.artifact), framework="sklearn", reference=str(asked.reference), out=str(tmp_path),
              target="won")  # fmt: skip
    parent = convert(job).schema
    assert parent is not None
    other = LogisticRegression().fit(AGE[["age"]], AGE["won"].map({"no": "lost", "yes": "won"}))
    joblib.dump(other, asked.artifact)
    with pytest.raises(InvalidInput, match=r"classes are \['lost', 'won'\], those of the version it is to follow"):
        convert(replace(job, schema=parent))
