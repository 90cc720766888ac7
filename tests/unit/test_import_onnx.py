"""What is read from ONNX files: inputs, classes, the one output that is a score, and why some are refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from setpoint.deploy.choice import choose
from setpoint.deploy.importers import framework_of, importer_for, load
from setpoint.deploy.timing import Timing
from setpoint.deploy.tried import Tried
from setpoint.domain.schema import Task
from setpoint.errors import InvalidInput
from tests.zoo import onnx_files

OF = importer_for("onnx")


def read(make, folder: Path):
    kept = make(folder)
    path = folder / kept.artifact
    assert framework_of(path) == "onnx"
    return load(OF, path, ())


def graph(outputs: list[tuple[str, int]], shape: tuple = ("n", 3), kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    nodes = [helper.make_node("Cast", ["X"], [name], to=to) for name, to in outputs]
    said = [helper.make_tensor_value_info(name, to, shape) for name, to in outputs]
    whole = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("X", kind, shape)], said)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_a_map_for_each_row_becomes_the_matrix_it_is_made_from(tmp_path: Path) -> None:
    native = read(onnx_files.onnx_forest_with_a_zipmap, tmp_path)
    said = OF.signature(native)
    assert (said.task, said.classes, said.width) == (Task.BINARY, (0, 1), 5)
    assert [o.name for o in native.graph.output] == ["probabilities"]


def test_inputs_of_one_column_are_told_by_name(tmp_path: Path) -> None:
    said = OF.signature(read(onnx_files.onnx_pipeline_with_texts, tmp_path))
    assert (said.names, said.classes) == (("job", "age"), ("no", "yes"))


def test_tensors_in_the_folder_are_taken_into_the_graph(tmp_path: Path) -> None:
    native = read(onnx_files.onnx_with_its_tensors_beside_it, tmp_path)
    assert onnx.numpy_helper.to_array(native.graph.initializer[0]).shape == (10, 1)
    assert len(OF.to_onnx(native, None)) > 40


@pytest.mark.parametrize(
    "make",
    [
        onnx_files.onnx_of_a_later_opset,
        onnx_files.onnx_of_a_later_format,
        onnx_files.onnx_for_one_row_at_a_time,
        onnx_files.onnx_with_labels_alone,
    ],
)
def test_what_cannot_be_served_is_refused_in_words(tmp_path: Path, make) -> None:
    kept = make(tmp_path)
    with pytest.raises(InvalidInput, match=kept.refused):
        OF.signature(load(OF, tmp_path / kept.artifact, ()))


def test_a_graph_whose_tensors_are_elsewhere_is_told_to_be_whole(tmp_path: Path) -> None:
    onnx_files.onnx_file_without_its_tensors(tmp_path)
    with pytest.raises(InvalidInput, match=r"m\.onnx keeps its tensors in another file. Write it as one file"):
        load(OF, tmp_path / "m.onnx", ())


def test_several_scores_are_asked_about_unless_one_is_a_probability(tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    onnx.save(graph([("a", TensorProto.FLOAT), ("b", TensorProto.DOUBLE)]), file)
    with pytest.raises(InvalidInput, match=r"that may be the score: 'a' \(float\), 'b' \(double\)\. Which"):
        load(OF, file, ())
    assert [o.name for o in load(OF, file, (), "b").graph.output] == ["b"]
    with pytest.raises(InvalidInput, match="`output: c`: the graph has no such output; it has a, b"):
        load(OF, file, (), "c")
    onnx.save(graph([("a", TensorProto.FLOAT), ("probabilities", TensorProto.FLOAT)]), file)
    assert [o.name for o in load(OF, file, ()).graph.output] == ["probabilities"]


def test_an_operator_that_nobody_knows_is_named(tmp_path: Path) -> None:
    model = graph([("y", TensorProto.FLOAT)])
    model.graph.node[0].domain = "my.company"
    model.opset_import.append(helper.make_opsetid("my.company", 1))
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(InvalidInput, match=r"cannot run m.onnx: my.company:Cast.* is not a registered function/op"):
        load(OF, tmp_path / "m.onnx", ())


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(np.arange(40).tobytes())
    with pytest.raises(InvalidInput, match=r"^cannot load m\.onnx: DecodeError"):
        load(OF, tmp_path / "m.onnx", ())


def test_an_onnx_file_is_the_only_way_to_run_it() -> None:
    tried = Tried(runtime="onnxruntime", precision="as trained")
    (only,) = choose([tried], [Timing(p50_us=9.0, rows_per_s=1e5)], Task.BINARY)
    assert (only.runtime, only.chosen, only.why) == ("onnxruntime", True, "chosen: the file is ONNX already")
