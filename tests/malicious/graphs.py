"""ONNX graphs that reach outside their file, or are larger than it; SavedModels whose operators act."""

from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from tests.malicious import attack


def graph(path: Path, *weights: Any, operator: Any = None) -> None:
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 4]) for n in "xy")
    node = operator or helper.make_node("Add", ["x", "w"], ["y"])
    path.write_bytes(helper.make_model(helper.make_graph([node], "g", [x], [y], list(weights))).SerializeToString())


def outside(location: str) -> Any:
    """Return a tensor whose bytes are in another file."""
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


@attack("'w'", "'/etc/passwd'", "outside the folder")
def onnx_absolute(folder: Path, marker: Path) -> str:
    graph(folder / "model.onnx", outside("/etc/passwd"))
    return "model.onnx"


@attack("'w'", "'../../etc/passwd'", "outside the folder")
def onnx_above(folder: Path, marker: Path) -> str:
    graph(folder / "model.onnx", outside("../../etc/passwd"))
    return "model.onnx"


@attack("'w'", "outside the folder")
def onnx_of_windows(folder: Path, marker: Path) -> str:
    graph(folder / "model.onnx", outside("C:\\secrets"))
    return "model.onnx"


@attack("weights.bin", "a link")
def onnx_link(folder: Path, marker: Path) -> str:
    (folder / "model").mkdir()
    (folder / "model" / "weights.bin").symlink_to("/etc/passwd")
    graph(folder / "model" / "model.onnx", outside("weights.bin"))
    return "model"


@attack("'w'", "'weights.bin'", "Save it as one file")
def onnx_in_two_files(folder: Path, marker: Path) -> str:
    (folder / "weights.bin").write_bytes(bytes(16))
    graph(folder / "model.onnx", outside("weights.bin"))
    return "model.onnx"


@attack("'w'", "[2147483648, 2147483648]")
def onnx_absurd_shape(folder: Path, marker: Path) -> str:
    graph(folder / "model.onnx", onnx.TensorProto(name="w", data_type=1, dims=[2**31, 2**31], raw_data=bytes(16)))
    return "model.onnx"


@attack("'w'", "[-4]")
def onnx_negative_shape(folder: Path, marker: Path) -> str:
    graph(folder / "model.onnx", onnx.TensorProto(name="w", data_type=1, dims=[-4], raw_data=bytes(16)))
    return "model.onnx"


@attack("PyOp", "'ai.onnx.contrib'")
def onnx_python(folder: Path, marker: Path) -> str:
    graph(folder / "model.onnx", operator=helper.make_node("PyOp", ["x"], ["y"], name="n", domain="ai.onnx.contrib"))
    return "model.onnx"


@attack("'w'", "outside the folder")
def onnx_in_a_branch(folder: Path, marker: Path) -> str:
    """The tensor is an attribute of a node, in a graph within the graph."""
    inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=outside("/etc/passwd"))], "inner", [], [])
    graph(folder / "model.onnx", operator=helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    return "model.onnx"


def field(number: int, content: bytes) -> bytes:
    """Return a field of a message of protocol buffers."""
    size, head = len(content), b""
    while size > 127:
        head, size = head + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + content


def saved_model(folder: Path, operator: bytes, function: bytes = b"__inference_f") -> str:
    """Write a SavedModel with a node within a function."""
    node = field(1, b"node") + field(2, operator)
    library = field(2, field(1, field(1, field(1, function)) + field(3, node)))
    (folder / "model").mkdir()
    (folder / "model" / "saved_model.pb").write_bytes(field(2, field(2, library)))
    return "model"


@attack("WriteFile", "saved_model.pb")
def saved_model_writes(folder: Path, marker: Path) -> str:
    return saved_model(folder, b"WriteFile")


@attack("EagerPyFunc")
def saved_model_python(folder: Path, marker: Path) -> str:
    return saved_model(folder, b"EagerPyFunc")


@attack("MergeV2Checkpoints")
def saved_model_deletes(folder: Path, marker: Path) -> str:
    return saved_model(folder, b"MergeV2Checkpoints")
