"""What an MLmodel file says, and what it may not name."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from setpoint.deploy.importers import Signature
from setpoint.deploy.mlflow_folder import Logged, opened, with_names
from setpoint.deploy.sources import beside, local
from setpoint.errors import InvalidInput

SKLEARN = {"sklearn": {"pickled_model": "model.skops"}}


def folder(path: Path, **said: Any) -> Path:
    (path / "MLmodel").write_text(yaml.safe_dump({"flavors": SKLEARN, **said}))
    (path / "model.skops").touch()
    return path


def test_the_model_file_the_names_and_the_example_come_along(tmp_path: Path) -> None:
    inputs = json.dumps([{"type": "double", "name": "a"}, {"type": "string", "name": "b"}])
    example = {"artifact_path": "example.json", "pandas_orient": "split", "type": "dataframe"}
    (tmp_path / "example.json").write_text(json.dumps({"columns": ["a", "b"], "data": [[1.5, "x"], [2.5, "y"]]}))
    path, logged = opened(folder(tmp_path, signature={"inputs": inputs}, saved_input_example_info=example))
    assert path == tmp_path / "model.skops"
    assert logged == Logged(names=("a", "b"), example={"a": (1.5, 2.5), "b": ("x", "y")})


def test_a_file_that_mlflow_did_not_write_is_itself(tmp_path: Path) -> None:
    assert opened(tmp_path / "model.joblib") == (tmp_path / "model.joblib", Logged())


def test_tensor_signatures_have_no_names(tmp_path: Path) -> None:
    inputs = json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 30]}}])
    assert opened(folder(tmp_path, signature={"inputs": inputs}))[1].names == ()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"flavors": {"sklearn": {"pickled_model": "../../etc/passwd"}}}, "lies outside its folder"),
        ({"flavors": {"sklearn": {"pickled_model": "gone.pkl"}}}, "there is no such file"),
        ({"flavors": {"sklearn": {}}}, "has no `pickled_model`"),
        ({"flavors": {"python_function": {}}}, "model.py:Class"),
        ({"flavors": None}, "names no `flavors`"),
        ({"signature": {"inputs": "[{"}}, "broken JSON"),
    ],
)
def test_what_does_not_fit_is_said(said: dict[str, Any], text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=text):
        opened(folder(tmp_path, **said))


@given(text=st.text(max_size=200))
def test_any_text_as_mlmodel_is_refused_in_words(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("any")
    (place / "MLmodel").write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(InvalidInput):
        opened(place)


def test_names_of_the_signature_stand_in_for_none_of_the_model() -> None:
    none, own = Signature(task=None, names=None, width=2), Signature(task=None, names=("x", "y"), width=2)
    assert with_names(none, Logged(names=("a", "b"))).names == ("a", "b")
    assert with_names(own, Logged(names=("a", "b"))).names == ("x", "y")
    assert with_names(none, Logged(names=("a", "b", "c"))).names is None


def test_a_path_is_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for artifact, found in (("model.keras", "model.keras"), ("mlflow:run", "run")):
        with local(artifact, tmp_path) as path:
            assert path == tmp_path / found
    assert beside("models/a.joblib") == Path("models")
    assert beside("mlflow:models:/a@b") == Path()


def test_what_mlflow_cannot_fetch_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(tmp_path))
    with (
        pytest.raises(InvalidInput, match="MLflow cannot fetch runs:/none/model"),
        local("mlflow:runs:/none/model", tmp_path),
    ):
        raise AssertionError("nothing to deploy")
