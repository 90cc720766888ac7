"""What a user's own training wrote itself: any kind of model, by its path."""

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.domain.update import Method
from setpoint.errors import InvalidInput
from setpoint.update.trainers import user
from setpoint.update.trainers.request import FitRequest

SCHEMA = Schema(features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.REGRESSION)


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, writes: str, champion: str) -> Path:
    """Fit by a function that writes a file and returns its path."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = folder / "made"
    made.mkdir()
    (folder / "work").mkdir()
    code = f"from pathlib import Path\ndef fit(t, s, a):\n    made = Path({str(made)!r})\n    {writes}\n"
    (folder / "train.py").write_text(code)
    table = pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    asked = FitRequest(
        artifact=folder / champion, table=table, schema=SCHEMA, workdir=folder / "work", method=Method.OWN
    )
    return user.fit(f"{folder / 'train.py'}:fit", asked)


def test_a_path_is_the_new_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = "(made / 'new.onnx').write_text('graph'); return made / 'new.onnx'"
    assert trained(tmp_path, monkeypatch, writes, "old.onnx") == tmp_path / "made" / "new.onnx"


def test_a_state_keeps_the_champion_s_factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text("def build(): ...")
    writes = "(made / 'new.pt').write_text('state'); return made / 'new.pt'"
    made = trained(tmp_path, monkeypatch, writes, "net.pt:net.py:build")
    assert made == tmp_path / "work" / "new.pt:net.py:build"
    assert {p.name for p in made.parent.iterdir()} == {"new.pt", "net.py"}


def test_a_path_without_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match=r"train\.py:fit returned the path .*new\.onnx, where there is nothing"):
        trained(tmp_path, monkeypatch, "return made / 'new.onnx'", "old.onnx")
