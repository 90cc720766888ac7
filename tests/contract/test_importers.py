"""What every importer does, whatever the framework: one small saved model of each is read, asked and converted."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from setpoint.deploy.importers import FOLDERS, SUFFIXES, framework_of, importer_for, load
from setpoint.deploy.importers._base import Importer, Signature
from setpoint.deploy.keeping import keep
from setpoint.deploy.parity import tolerance
from setpoint.deploy.reference import features_of
from setpoint.deploy.schema import infer_schema
from setpoint.domain.calibration import Calibration, apply
from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import replace
from setpoint.domain.version import Lineage, ModelVersion
from setpoint.errors import InvalidInput
from setpoint.govern.scan import scan
from setpoint.runtime.model import ONNX_FILE, load_here
from setpoint.runtime.onnx import OnnxModel
from tests.zoo import Kept, all_models

CREATED = datetime(2024, 1, 1, tzinfo=UTC)
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
MODELS = {
    "catboost": "catboost_cbm",
    "keras": "keras_mlp",
    "lightgbm": "lightgbm_text",
    "onnx": "onnx_boosting_of_numbers",
    "python": "class_with_two_features",
    "sklearn": "sklearn_logistic_regression",
    "torch": "torch_script",
    "transformers": "encoder_of_a_number",
    "xgboost": "xgboost_ubj",
}


class Case:
    """A saved model, read by its importer."""

    def __init__(self, framework: str, folder: Path) -> None:
        self.framework, self.folder = framework, folder
        self.kept: Kept = all_models()[MODELS[framework]](folder)
        self.path = folder / self.kept.artifact
        self.importer: Importer = importer_for(framework)
        self.native: Any = load(self.importer, self.path, scan(self.path))
        self.said: Signature = self.importer.signature(self.native)
        table = pa.Table.from_pandas(self.kept.rows, preserve_index=False)
        task = Task(self.kept.task)
        self.schema: Schema = infer_schema(
            table, target=self.kept.target, task=task, model_features=self.said.names, width=self.said.width,
            classes=self.said.classes, tensors=self.said.tensors, n_classes=self.said.n_classes,
        )  # fmt: skip
        self.columns: Columns = features_of(table, self.schema.features)
        self.near = tolerance(self.kept.answers, task)

    def rows(self, places: Any) -> Columns:
        return {name: column[places] for name, column in self.columns.items()}


@pytest.fixture(scope="module", params=list(MODELS))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(request.param, tmp_path_factory.mktemp(request.param))


def test_every_importer_is_tried() -> None:
    assert set(MODELS) == {*SUFFIXES.values(), *FOLDERS.values(), "python"} - {""}  # empty: told by the content


def test_a_file_is_known_by_its_name_and_says_nothing_wrong_of_itself(case: Case) -> None:
    assert framework_of(case.path) == case.framework
    assert case.said.task in (None, Task(case.kept.task))


def test_it_answers_as_its_framework_does(case: Case) -> None:
    answers = case.importer.served(case.native, case.schema, 0.5).predict(case.columns)
    np.testing.assert_allclose(answers[case.schema.score], case.kept.answers, rtol=0, atol=case.near)


def test_a_row_alone_is_answered_as_among_others(case: Case) -> None:
    model = case.importer.served(case.native, case.schema, 0.5)
    together = model.predict(case.rows(slice(0, 5)))[case.schema.score]
    alone = [model.predict(case.rows([i]))[case.schema.score][0] for i in range(5)]
    np.testing.assert_allclose(alone, together, rtol=0, atol=case.near)


def test_its_onnx_form_answers_the_same_or_it_has_none(case: Case) -> None:
    if case.framework == "python":
        with pytest.raises(InvalidInput, match="run as it is"):
            case.importer.to_onnx(case.native, case.schema)
        return
    converted = OnnxModel(case.importer.to_onnx(case.native, case.schema), case.schema)
    score = converted.predict(case.columns)[case.schema.score]
    np.testing.assert_allclose(score, case.kept.answers, rtol=0, atol=case.near)


def test_what_is_kept_in_a_bundle_is_opened_and_answers(case: Case, tmp_path: Path) -> None:
    kept = keep(case.path, tmp_path).relative_to(tmp_path).as_posix()
    runtime = "onnxruntime" if case.framework == "onnx" else "native"
    (tmp_path / ONNX_FILE).write_bytes(b"" if runtime == "native" else case.importer.to_onnx(case.native, case.schema))
    lineage = Lineage(created=CREATED, reason="", artifact_sha256="", reference_sha256="")
    made = ModelVersion(
        model="m", version="v1", framework=case.framework, runtime=runtime, artifact=kept, schema=case.schema,
        lineage=lineage, files={},
    )  # fmt: skip
    answers = load_here(tmp_path, made).predict(case.columns)
    np.testing.assert_allclose(answers[case.schema.score], case.kept.answers, rtol=0, atol=case.near)
    line = Calibration(shift=(0.5,), slope=1.2)
    calibrated = load_here(tmp_path, replace(made, calibration=line)).predict(case.columns)
    raw = answers[case.schema.score]
    np.testing.assert_array_equal(calibrated[case.schema.score], apply(line, raw, case.schema.task))
    assert list(calibrated) == list(answers)


def test_it_says_which_packages_matter(case: Case) -> None:
    packages = case.importer.packages()
    assert "numpy" in packages
    assert packages == {name: version(name) for name in packages}
