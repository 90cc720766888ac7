"""What is read from PyTorch files: inputs, the last step, and why some are refused."""

import io
import json
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from setpoint.config import read_setpoint_file
from setpoint.deploy.importers import importer_for
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task, Tensor
from setpoint.errors import InvalidInput, JobFailed, ModelFailed, Unsafe, Unusable
from setpoint.govern.scan import scan

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

from setpoint.runtime.torch import TorchModel, numbers, read  # noqa: E402

DYNAMIC = torch.export.Dim.DYNAMIC
SCHEMA = Schema(
    features=tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in "ab"),
    target="y",
    task=Task.REGRESSION,
)


class Sum(torch.nn.Module):
    def forward(self, a, b):
        return (a + 2 * b).sum(1)


def line() -> torch.nn.Module:
    return torch.nn.Linear(2, 1).eval()


def exported(folder: Path, module, *args, shapes, **named) -> Path:
    program = torch.export.export(module, args, named, dynamic_shapes=shapes)
    torch.export.save(program, folder / "net.pt2")
    return folder / "net.pt2"


def state(folder: Path, build: str, found: object = None) -> Path:
    (folder / "net.py").write_text(f"import torch\ndef build():\n    {build}\n")
    torch.save(line().state_dict() if found is None else found, folder / "net.pt")
    return folder / "net.pt:net.py:build"


def test_a_program_tells_its_inputs_by_place_and_by_name_and_its_last_step(tmp_path: Path) -> None:
    file = exported(
        tmp_path, Sum(), torch.zeros(2, 1), b=torch.zeros(2, 1), shapes={"a": {0: DYNAMIC}, "b": {0: DYNAMIC}}
    )
    net = read(file)
    assert scan(file) == ()
    assert net.inputs == (Tensor(name="a", shape=(1,), dtype="float32"), Tensor(name="b", shape=(1,), dtype="float32"))
    assert (net.positional, net.keywords, net.end) == (1, ("b",), "sum")
    asked = tuple(Tensor(name=n, shape=(1,), dtype="float32", features=(n,)) for n in "ab")
    schema = Schema(features=SCHEMA.features, target="y", task=Task.REGRESSION, tensors=asked)
    answer = TorchModel(net, schema).predict({"a": np.array([1.0, 2.0]), "b": np.array([10.0, 20.0])})
    assert answer["prediction"].tolist() == [21.0, 42.0]


@pytest.mark.parametrize(
    ("rows", "what"), [(None, "exactly 3 rows of"), (torch.export.Dim("n", max=64), "0 to 64 rows of")], ids=["3", "64"]
)
def test_a_program_for_some_numbers_of_rows_is_refused(tmp_path: Path, rows, what: str) -> None:
    file = exported(tmp_path, line(), torch.zeros(3, 2), shapes=None if rows is None else ({0: rows},))
    with pytest.raises(InvalidInput, match=f"net.pt2 was exported for {what} 'input'.*Dim.DYNAMIC"):
        read(file)


def test_a_scripted_network_with_two_inputs_is_to_be_exported(tmp_path: Path) -> None:
    torch.jit.script(Sum()).save(tmp_path / "net.ts")
    with pytest.raises(InvalidInput, match=r"takes a, b, and does not tell their shapes; export it as a program"):
        read(tmp_path / "net.ts")


def test_what_a_training_script_saves_beside_the_state_does_not_matter(tmp_path: Path) -> None:
    whole = {"epoch": 3, "state_dict": line().state_dict(), "loss": 0.1}
    net = read(state(tmp_path, "return torch.nn.Linear(2, 1)", whole))
    assert net.end == "Linear"
    assert TorchModel(net, SCHEMA).predict({"a": np.ones(3), "b": np.ones(3)})["prediction"].shape == (3,)


@pytest.mark.parametrize(
    ("build", "kind", "what"),
    [
        ("return 3", InvalidInput, r"net\.py: build returned int"),
        ("1 / 0", JobFailed, r"^net\.py:3: ZeroDivisionError"),
        (
            "return torch.nn.Linear(3, 1)",
            InvalidInput,
            r"net\.pt does not fit what net\.py:build returns: .*size mismatch",
        ),
    ],
)
def test_a_factory_that_does_not_fit_is_refused(tmp_path: Path, build: str, kind, what: str) -> None:
    with pytest.raises(kind, match=what):
        read(state(tmp_path, build))


def test_a_program_needs_no_factory(tmp_path: Path) -> None:
    torch.jit.script(line()).save(tmp_path / "net.pt")
    with pytest.raises(InvalidInput, match="needs no `factory:`"):
        read(tmp_path / "net.pt:net.py:build")


def test_the_factory_is_a_file_beside_the_model(tmp_path: Path) -> None:
    lines = ["model: m", "task: regression", "artifact: net.pt", "reference: r.parquet", "target: y",
             "objectives: [{metric: mae, at_most: 1}]"]  # fmt: skip
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "net.py").write_text("")
    (tmp_path / "net.py").write_text("")
    (tmp_path / "setpoint.yaml").write_text("\n".join([*lines, "factory: code/net.py:build"]))
    with pytest.raises(InvalidInput, match=r"'code/net\.py:build' must be a file beside net\.pt"):
        read_setpoint_file(tmp_path)
    (tmp_path / "setpoint.yaml").write_text("\n".join([*lines, "factory: net.py:build"]))
    assert tmp_path / read_setpoint_file(tmp_path).model_file == tmp_path / "net.pt:net.py:build"


class Evil:
    def __reduce__(self):
        return print, ("never",)


@pytest.mark.parametrize("inside", ["data/weights/weight_0", "data/constants/opaque_obj_0"])
def test_a_program_that_keeps_pickles_is_refused_before_it_is_loaded(tmp_path: Path, inside: str) -> None:
    good = exported(tmp_path, line(), torch.zeros(2, 2), shapes=({0: DYNAMIC},)).read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(tmp_path / "bad.pt2", "w") as bad:
        for name in source.namelist():
            raw = source.read(name)
            if name.endswith("weights_config.json") and "weight_0" in inside:
                config = json.loads(raw)
                next(iter(config["config"].values()))["use_pickle"] = True
                raw = json.dumps(config).encode()
            if not name.endswith(inside):
                bad.writestr(name, raw)
        bad.writestr(f"net/{inside}", pickle.dumps(Evil()))
    with pytest.raises(Unsafe, match=r"stands for a pickled object, which can run any code; it was not loaded"):
        scan(tmp_path / "bad.pt2")


def test_what_is_no_tensor_of_rows_is_no_answer() -> None:
    assert numbers((torch.ones(2, 1),)).shape == (2, 1)
    with pytest.raises(ModelFailed, match="answers 2 values; let it return one tensor"):
        numbers({"a": 1, "b": 2})
    with pytest.raises(ModelFailed, match=r"of shape \(2, 3, 4\)"):
        numbers(torch.ones(2, 3, 4))


def test_rows_that_do_not_fit_are_told_by_their_shape(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(3, 1)).save(tmp_path / "net.pt")
    with pytest.raises(ModelFailed, match=r"rows of shape \(4, 2\): .*mat1 and mat2 shapes cannot be multiplied"):
        TorchModel(read(tmp_path / "net.pt"), SCHEMA).predict({"a": np.ones(4), "b": np.ones(4)})


def test_a_framework_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("deploy.importers", "runtime"):
        monkeypatch.delitem(sys.modules, f"setpoint.{module}.torch", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unusable, match=r"torch, which is not installed: pip install 'setpoint\[torch\]'"):
        importer_for("torch")
