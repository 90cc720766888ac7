"""A version answers its adjusted score, whatever runs it, and a calibrated one in its exported graph, too."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnxruntime as ort
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from setpoint.deploy.calibrated_graph import calibrated
from setpoint.deploy.export import check_converted
from setpoint.deploy.importers import sklearn as importer
from setpoint.domain.calibration import Calibration, apply, corrected
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.value import from_json, replace, to_json
from setpoint.domain.version import RESIDUAL_FILE, Lineage, ModelVersion, Residual
from setpoint.errors import InvalidInput
from setpoint.runtime.adjusted import schema_of, scores_of
from setpoint.runtime.dataframe import frame
from setpoint.runtime.model import ONNX_FILE, load_here

RNG = np.random.default_rng(0)
COLUMNS = {"a": RNG.normal(size=200), "b": RNG.normal(size=200)}
FEATURES = tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in COLUMNS)
SUM = COLUMNS["a"] + COLUMNS["b"] + RNG.normal(size=200)
CLASSES = {Task.REGRESSION: (), Task.BINARY: ("no", "yes"), Task.MULTICLASS: ("a", "b", "c")}
TRUTH: dict[Task, Any] = {
    Task.REGRESSION: SUM,
    Task.BINARY: np.where(SUM > 0, "yes", "no"),
    Task.MULTICLASS: np.array(["a", "b", "c"])[np.digitize(SUM, [-1, 1])],
}
LINES = {
    Task.REGRESSION: Calibration(shift=(2.0,), slope=0.8, centre=1.0),
    Task.BINARY: Calibration(shift=(-0.7,), slope=1.3),
    Task.MULTICLASS: Calibration(shift=(1.0, 0.0, -1.0), slope=0.9),
}
TASKS = pytest.mark.parametrize("task", list(Task))


@pytest.fixture
def bundle(tmp_path: Path, task: Task) -> tuple[Path, ModelVersion]:
    """A folder with a model of a task in both of its forms, and its manifest."""
    schema = Schema(features=FEATURES, target="y", task=task, classes=CLASSES[task])
    estimator = LinearRegression() if task is Task.REGRESSION else LogisticRegression()
    estimator.fit(frame(COLUMNS, schema), TRUTH[task])
    joblib.dump(estimator, tmp_path / "m.joblib")
    (tmp_path / ONNX_FILE).write_bytes(importer.to_onnx(estimator, schema))
    lineage = Lineage(created=datetime(2026, 1, 1, tzinfo=UTC), reason="", artifact_sha256="", reference_sha256="")
    version = ModelVersion(
        model="m", version="v1", framework="sklearn", runtime="onnxruntime", artifact="m.joblib", schema=schema,
        lineage=lineage, files={}, threshold=0.6 if task is Task.BINARY else 0.0,
    )  # fmt: skip
    return tmp_path, version


@TASKS
@pytest.mark.parametrize("runtime", ["onnxruntime", "native"])
def test_a_calibrated_version_answers_the_calibrated_score(
    bundle: tuple[Path, ModelVersion], task: Task, runtime: str
) -> None:
    """And its labels are those of the calibrated score."""
    folder, version = bundle[0], replace(bundle[1], runtime=runtime)
    schema, raw = version.schema, load_here(bundle[0], version).predict(COLUMNS)
    found = load_here(folder, replace(version, calibration=LINES[task])).predict(COLUMNS)
    expected = apply(LINES[task], scores_of(raw, schema), task)
    np.testing.assert_array_equal(scores_of(found, schema), expected)
    assert list(found) == list(raw)
    if task is Task.BINARY:
        assert found["label"].tolist() == np.where(expected > 0.6, "yes", "no").tolist()
        assert (found["label"] != raw["label"]).any()
    if task is Task.MULTICLASS:
        assert found["label"].tolist() == np.array(schema.classes)[expected.argmax(axis=1)].tolist()
        np.testing.assert_array_equal(found["probability"], expected.max(axis=1))


@pytest.mark.parametrize("task", [Task.REGRESSION, Task.BINARY])
@pytest.mark.parametrize("line", [None, Calibration(shift=(0.5,), slope=1.1)])
def test_a_residual_model_corrects_the_raw_answers(
    bundle: tuple[Path, ModelVersion], task: Task, line: Calibration | None
) -> None:
    """As scikit-learn's own answer would, of two classes in the logit; a calibration comes after it."""
    folder, version = bundle
    small, scores = schema_of(version.schema, ("b",)), load_here(*bundle).predict(COLUMNS)[version.schema.score]
    estimator = HistGradientBoostingRegressor(max_iter=5).fit(frame(COLUMNS, small), np.square(COLUMNS["b"]))
    (folder / RESIDUAL_FILE).write_bytes(importer.to_onnx(estimator, small))
    both = replace(version, residual=Residual(features=("b",)), calibration=line)
    expected = corrected(scores, estimator.predict(frame(COLUMNS, small)), task)
    expected = expected if line is None else apply(line, expected, task)
    answers = load_here(folder, both).predict(COLUMNS)
    np.testing.assert_allclose(answers[version.schema.score], expected, rtol=1e-5, atol=1e-6)
    if task is Task.BINARY:
        assert answers["label"].tolist() == np.where(answers["probability"] > 0.6, "yes", "no").tolist()
    with pytest.raises(InvalidInput, match="answers with two models, its own and a residual one"):
        check_converted(folder, both)


@TASKS
def test_a_graph_calibrates_its_own_answers(bundle: tuple[Path, ModelVersion], task: Task) -> None:
    """The last output of an exported graph, run by onnxruntime alone, is what the version answers."""
    folder, version = bundle[0], replace(bundle[1], calibration=LINES[task])
    answers = load_here(folder, version).predict(COLUMNS)
    session = ort.InferenceSession(calibrated((folder / ONNX_FILE).read_bytes(), LINES[task], task))
    rows = np.column_stack(list(COLUMNS.values())).astype(np.float32)
    (found,) = session.run([session.get_outputs()[-1].name], {session.get_inputs()[0].name: rows})
    assert found.dtype == np.float64
    expected = scores_of(answers, version.schema)
    np.testing.assert_allclose(found if task is Task.MULTICLASS else found[:, -1], expected, rtol=1e-12)
    if task is Task.BINARY:
        np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_a_graph_answers_for_sums_a_little_beyond_one() -> None:
    """As `apply` does."""
    import onnx
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(n, TensorProto.DOUBLE, [None]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=9)
    session = ort.InferenceSession(calibrated(model.SerializeToString(), LINES[Task.BINARY], Task.BINARY))
    raw = np.array([-2e-7, 0.3, 1 + 2e-7])
    (found,) = session.run(None, {"x": raw})
    np.testing.assert_allclose(found[:, 1], apply(LINES[Task.BINARY], raw, Task.BINARY), rtol=1e-12)


def test_a_graph_of_old_is_refused() -> None:
    """The words say the opset, and what to do."""
    import onnx
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 1]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    old: onnx.ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)])
    with pytest.raises(InvalidInput, match="opset 9, and a calibration can be added to one from 11 on"):
        calibrated(old.SerializeToString(), Calibration(), Task.REGRESSION)


def test_a_manifest_without_a_calibration_is_read_as_before() -> None:
    """One that was stored before there were any has none."""
    lineage = Lineage(created=datetime(2026, 1, 1, tzinfo=UTC), reason="", artifact_sha256="", reference_sha256="")
    schema = Schema(features=FEATURES, target="y", task=Task.REGRESSION)
    version = ModelVersion(
        model="m", version="v1", framework="sklearn", runtime="native", artifact="m", schema=schema, lineage=lineage,
        files={},
    )  # fmt: skip
    raw = to_json(version).replace(b'"calibration":null,', b"")
    assert b"calibration" not in raw
    assert from_json(raw, ModelVersion) == version
    line = replace(version, calibration=Calibration(shift=(0.5,)))
    assert from_json(to_json(line), ModelVersion) == line
