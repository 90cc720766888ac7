"""A class of the user's own as a model: how it is named, what belongs to it, and what it may answer."""

from pathlib import Path

import numpy as np
import pytest

from setpoint.deploy.importers import framework_of, importer_for, load
from setpoint.deploy.keeping import keep, whole
from setpoint.domain.artifact import artifact_of
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput, JobFailed, ModelFailed
from setpoint.govern.scan import scan
from setpoint.runtime.python import PythonModel, read
from setpoint.runtime.sources import names_in
from tests.zoo import python_class

SCHEMA = Schema(features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.REGRESSION)


def written(folder: Path, code: str) -> Path:
    (folder / "model.py").write_text(code)
    return folder / "model.py:Predictor"


def answering(folder: Path, expression: str) -> PythonModel:
    path = written(folder, f"class Predictor:\n    def predict(self, frame):\n        return {expression}\n")
    return PythonModel(read(path), SCHEMA)


def test_a_path_names_a_file_and_what_in_it() -> None:
    own, factory = artifact_of(Path("a/model.py:Predictor")), artifact_of(Path("a/net.pt:net.py:build"))
    assert (own.file, own.entry, own.is_code) == (Path("a/model.py"), "Predictor", True)
    assert (factory.file, factory.code, factory.entry) == (Path("a/net.pt"), Path("a/net.py"), "build")
    assert artifact_of(Path("a/odd:name.joblib")).file == Path("a/odd:name.joblib")


def test_what_the_class_says_of_itself(tmp_path: Path) -> None:
    path = written(tmp_path, python_class.RULE)
    importer = importer_for(framework_of(path))
    said = importer.signature(load(importer, path, scan(path)))
    assert (said.task, said.classes, said.names) == (Task.BINARY, (0, 1), ("mean_radius", "mean_texture"))


def test_the_class_travels_with_its_files_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path, python_class.TABLE)
    np.save(tmp_path / "weights.npy", np.ones(1))
    (tmp_path / "secret.txt").write_text("not for the bundle")
    (tmp_path / "bundle").mkdir()
    kept = keep(path, tmp_path / "bundle")
    assert sorted(p.name for p in whole(kept).iterdir()) == ["model.py", "weights.npy"]
    answer = PythonModel(read(kept), SCHEMA).predict({"x": np.array([1.0, 2.0])})
    assert answer["prediction"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("other", ["../secret", "/etc/passwd", "link", "gone"])
def test_a_file_that_is_not_beside_the_class_is_refused(tmp_path: Path, other: str) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    path = written(tmp_path, f"class Predictor:\n    files: list[str] = [{other!r}]\n")
    with pytest.raises(InvalidInput, match=r"which is no file beside model\.py"):
        scan(path)


def test_the_scan_runs_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, "raise SystemExit\nclass Predictor:\n    files = [open('x').read()]\n")
    with pytest.raises(InvalidInput, match="must be a list of names written out"):
        scan(path)
    (tmp_path / "model.py").write_text("def broken(:\n")
    with pytest.raises(InvalidInput, match=r"model\.py, line 1 is no Python"):
        names_in(tmp_path / "model.py")


def test_code_without_a_class_is_asked_for_one(tmp_path: Path) -> None:
    written(tmp_path, "")
    with pytest.raises(InvalidInput, match=r"`artifact: model\.py:Class`"):
        framework_of(tmp_path / "model.py")


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("['yes'] * len(frame)", "answered list that are no numbers"),
        ("[1.0]", r"answered shape \(1,\) for 2 rows"),
        ("frame['z']", r"^model\.py:3: KeyError"),
    ],
)
def test_what_is_no_answer_is_said(tmp_path: Path, expression: str, what: str) -> None:
    with pytest.raises(ModelFailed, match=what):
        answering(tmp_path, expression).predict({"x": np.zeros(2)})


def test_frames_and_lists_are_answers(tmp_path: Path) -> None:
    for expression in ("frame['x'] * 2", "frame * 2", "[2.0, 4.0]"):
        assert answering(tmp_path, expression).predict({"x": np.array([1.0, 2.0])})["prediction"].tolist() == [2, 4]


def test_a_class_that_asks_for_more_or_raises_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"takes 2 parameters \(a, b\)"):
        read(written(tmp_path, "class Predictor:\n    def __init__(self, a, b): pass\n"))
    with pytest.raises(JobFailed, match=r"model\.py:2: ZeroDivisionError"):
        read(written(tmp_path, "class Predictor:\n    def __init__(self): 1 / 0\n"))
