"""What an export holds, and what cannot be exported."""

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from setpoint.deploy.export import export
from setpoint.deploy.export_mlflow import export_mlflow
from setpoint.deploy.exported.predict import predict
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task, Tensor
from setpoint.domain.value import replace
from setpoint.domain.version import ModelVersion, Variant
from setpoint.errors import Conflict, InvalidInput
from setpoint.runtime.tokens import TOKENIZER
from tests.unit.versions.hand_made import a_version

TASKS = {0: Task.REGRESSION, 2: Task.BINARY, 3: Task.MULTICLASS}
PIXELS = tuple(f"p{i}" for i in range(6))


def a_bundle(folder: Path, *, classes: tuple[str, ...] = ()) -> ModelVersion:
    """A model of an image and a name: the score of each class is one row of the image, summed, if the name is `on`."""
    height = max(2, len(classes))
    pixels = PIXELS[: 2 * height]
    nodes = [
        helper.make_node("ReduceSum", ["image", "axis"], ["sums"], keepdims=0),
        helper.make_node("LabelEncoder", ["name"], ["switch"], domain="ai.onnx.ml", keys_strings=["on"],
                         values_floats=[1.0], default_float=0.0),
        helper.make_node("Mul", ["sums", "switch"], ["score"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, height, 2]),
         helper.make_tensor_value_info("name", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, height])],
        [helper.make_tensor("axis", TensorProto.INT64, [1], [2])],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")
    features = (
        *(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT, low=0, high=1) for n in pixels),
        Feature(name="name", kind=Kind.CATEGORICAL, dtype=DType.STRING, levels=("on", "off")),
    )
    schema = Schema(
        features=features, target="y", task=TASKS[len(classes)], classes=classes,
        tensors=(Tensor(name="image", shape=(height, 2), dtype="float32", features=pixels),
                 Tensor(name="name", shape=(1,), dtype="string", features=("name",))),
    )  # fmt: skip
    return a_version("v1", schema=schema, threshold=0.25)


ROWS = [
    {"p0": 1, "p1": "0.5", "p2": 0.125, "p3": True, "p4": 0, "p5": 0, "name": "on", "more": "is left out"},
    {"p0": 0, "p1": 0, "p2": 0.25, "p3": 0, "p4": 0, "p5": 2, "name": "on"},
    {"p0": 1, "p1": 1, "p2": 1, "p3": 1, "p4": 1, "p5": 1, "name": None},
]


def test_tensors_are_filled_by_name(tmp_path: Path) -> None:
    export(tmp_path / "b", a_bundle(tmp_path / "b"), "abc", tmp_path / "out")
    assert predict(ROWS, tmp_path / "out") == [{"prediction": 1.125}, {"prediction": 0.25}, {"prediction": 0.0}]


def test_two_classes_are_told_apart_by_the_threshold_and_more_by_the_largest(tmp_path: Path) -> None:
    export(tmp_path / "b", a_bundle(tmp_path / "b", classes=("no", "yes")), "", tmp_path / "two")
    found = predict(ROWS, tmp_path / "two")
    assert [row["label"] for row in found] == ["yes", "no", "no"]  # strictly above
    export(tmp_path / "b", a_bundle(tmp_path / "b", classes=("a", "b", "c")), "", tmp_path / "three")
    found = predict(ROWS, tmp_path / "three")
    assert [row["label"] for row in found] == ["a", "c", "a"]
    each = {"probability_a": 1.5, "probability_b": 1.125, "probability_c": 0.0}
    assert found[0] == {"label": "a", "probability": 1.5, **each}


def test_a_hole_is_a_missing_number(tmp_path: Path) -> None:
    export(tmp_path / "b", a_bundle(tmp_path / "b"), "", tmp_path / "out")
    found = predict([{**ROWS[0], "p2": ""}, {**ROWS[0], "p2": None}], tmp_path / "out")
    assert np.isnan([row["prediction"] for row in found]).all()
    with pytest.raises(KeyError, match="p3"):
        predict([dict.fromkeys(PIXELS[:3], 1)], tmp_path / "out")


def test_a_tokenizer_is_more_than_the_script_has(tmp_path: Path) -> None:
    version = a_bundle(tmp_path)
    model = onnx.load(tmp_path / "model.onnx")
    helper.set_model_props(model, {TOKENIZER: "{}"})
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(InvalidInput, match="takes tokens"):
        export(tmp_path, version, "", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]


def test_the_script_has_thirty_lines() -> None:
    from setpoint.deploy.export import SCRIPT

    assert len([line for line in SCRIPT.read_text().splitlines() if line.strip()]) <= 30


@pytest.mark.parametrize("kind", ["plain", "mlflow"])
def test_a_version_of_its_framework_alone_is_refused_with_what_it_needs(tmp_path: Path, kind: str) -> None:
    version = a_version("v1", variants=(Variant(runtime="onnxruntime", why="differs by 0.96"),))
    version = replace(version, lineage=replace(version.lineage, packages={"scikit-learn": "1.5"}))
    write = partial(export, digest="") if kind == "plain" else export_mlflow
    with pytest.raises(InvalidInput, match=r"no ONNX model .*\(differs by 0.96\).*m\.joblib.*scikit-learn==1\.5"):
        write(tmp_path, version, to=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_replaces_nothing(tmp_path: Path) -> None:
    version = a_bundle(tmp_path / "b")
    (tmp_path / "out").mkdir()
    export(tmp_path / "b", version, "", tmp_path / "out")  # an empty folder may be there
    with pytest.raises(Conflict, match="is not empty"):
        export(tmp_path / "b", version, "", tmp_path / "out")
    with pytest.raises(Conflict, match="is not empty"):
        export(tmp_path / "b", version, "", tmp_path / "b" / "model.onnx")
