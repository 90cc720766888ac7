"""ONNX files: as skl2onnx writes them, and by hand, with what onnxruntime or Setpoint cannot take."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.zoo import Kept, saved

OPSET = {"": 18, "ai.onnx.ml": 3}
ROWS = 240


def cancer() -> tuple[pd.DataFrame, Any]:
    frame = load_breast_cancer(as_frame=True).frame.iloc[:ROWS, [0, 1, 2, 3, 4, -1]]
    frame.columns = [*(c.replace(" ", "_") for c in frame.columns[:-1]), "y"]
    return frame, frame.drop(columns="y").to_numpy(np.float32, copy=True)


def diabetes() -> tuple[pd.DataFrame, Any]:
    frame = load_diabetes(as_frame=True, scaled=False).frame.iloc[:ROWS].rename(columns={"target": "y"})
    return frame, frame.drop(columns="y").to_numpy(np.float32, copy=True)


def linear(frame: pd.DataFrame, rows: int | str | None = "n", opset: int = 18, ir: int = 8) -> onnx.ModelProto:
    """Return `X @ w` as a graph, written by hand."""
    width = frame.shape[1] - 1
    weights = np.linspace(-1, 1, width, dtype=np.float32).reshape(-1, 1)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["X", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [rows, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, 1])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def kept_linear(folder: Path, **how: Any) -> Kept:
    frame, X = diabetes()
    onnx.save(linear(frame, **how), folder / "m.onnx")
    answers = X @ np.linspace(-1, 1, X.shape[1], dtype=np.float32)
    return Kept(artifact="m.onnx", rows=frame, task="regression", answers=answers, runtime="onnxruntime")


@saved
def onnx_forest_with_a_zipmap(folder: Path) -> Kept:
    """Its probabilities come as a map for each row."""
    frame, X = cancer()
    model = RandomForestClassifier(20, random_state=0).fit(X, frame["y"])
    raw = skl2onnx.to_onnx(model, X[:1], target_opset=OPSET).SerializeToString()
    (folder / "model.onnx").write_bytes(raw)
    answers = model.predict_proba(X)[:, 1]
    return Kept(artifact="model.onnx", rows=frame, task="binary", answers=answers, runtime="onnxruntime")


@saved
def onnx_boosting_of_numbers(folder: Path) -> Kept:
    frame, X = diabetes()
    model = GradientBoostingRegressor(n_estimators=30, random_state=0).fit(X, frame["y"])
    (folder / "m.onnx").write_bytes(skl2onnx.to_onnx(model, X[:1], target_opset=OPSET).SerializeToString())
    return Kept(artifact="m.onnx", rows=frame, task="regression", answers=model.predict(X), runtime="onnxruntime")


@saved
def onnx_pipeline_with_texts(folder: Path) -> Kept:
    """One input a column, its classes texts, told by a label and a matrix."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"job": rng.choice(["nurse", "clerk", "none"], ROWS), "age": rng.integers(18, 80, ROWS) / 1.0})
    frame["y"] = np.where((frame["job"] == "nurse") ^ (frame["age"] > 50), "yes", "no")
    encode = ColumnTransformer([("job", OneHotEncoder(), ["job"]), ("age", StandardScaler(), ["age"])])
    model = make_pipeline(encode, LogisticRegression()).fit(frame[["job", "age"]], frame["y"])
    inputs = [("job", StringTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]
    options = {id(model): {"zipmap": False}}
    raw = skl2onnx.to_onnx(model, initial_types=inputs, target_opset=OPSET, options=options).SerializeToString()
    (folder / "m.onnx").write_bytes(raw)
    answers = model.predict_proba(frame[["job", "age"]])[:, 1]
    return Kept(artifact="m.onnx", rows=frame, task="binary", answers=answers, runtime="onnxruntime")


@saved
def onnx_written_by_hand(folder: Path) -> Kept:
    return kept_linear(folder)


@saved
def onnx_with_its_tensors_beside_it(folder: Path) -> Kept:
    """The folder is the artefact: the graph is called model.onnx, its data as it says."""
    frame, _ = diabetes()
    (folder / "net").mkdir()
    onnx.save(linear(frame), folder / "net" / "model.onnx", save_as_external_data=True, location="w", size_threshold=0)
    answers = kept_linear(folder).answers
    return Kept(artifact="net", rows=frame, task="regression", answers=answers, runtime="onnxruntime")


@saved
def onnx_file_without_its_tensors(folder: Path) -> Kept:
    frame, _ = diabetes()
    onnx.save(linear(frame), folder / "m.onnx", save_as_external_data=True, location="w", size_threshold=0)
    return Kept(artifact="m.onnx", rows=frame, task="regression", refused="a file alone is imported")


@saved
def onnx_of_a_later_opset(folder: Path) -> Kept:
    kept_linear(folder, opset=99)
    return Kept(artifact="m.onnx", rows=diabetes()[0], task="regression", refused="ai.onnx 99; onnxruntime")


@saved
def onnx_of_a_later_format(folder: Path) -> Kept:
    kept_linear(folder, ir=99)
    return Kept(artifact="m.onnx", rows=diabetes()[0], task="regression", refused="has IR version 99")


@saved
def onnx_for_one_row_at_a_time(folder: Path) -> Kept:
    kept_linear(folder, rows=1)
    return Kept(artifact="m.onnx", rows=diabetes()[0], task="regression", refused="is for exactly 1 row at a time")


@saved
def onnx_with_labels_alone(folder: Path) -> Kept:
    frame, X = cancer()
    model = LogisticRegression(max_iter=3000).fit(X, frame["y"])
    graph = skl2onnx.to_onnx(model, X[:1], target_opset=OPSET, options={"zipmap": False})
    del graph.graph.output[1]
    onnx.save(graph, folder / "m.onnx")
    return Kept(artifact="m.onnx", rows=frame, task="binary", refused="no number that can be compared")


@saved
def onnx_with_two_tensors(folder: Path) -> Kept:
    """An image of (2, 2) and a whole number, as a column of lists and a column."""
    rng = np.random.default_rng(0)
    pixels, place = rng.random((ROWS, 2, 2)).astype(np.float32), rng.integers(0, 4, ROWS)
    table = np.array([[0.5], [-1.0], [2.0], [0.0]], np.float32)
    nodes = [
        helper.make_node("ReduceSum", ["image", "axes"], ["sum"], keepdims=0),
        helper.make_node("Gather", ["table", "place"], ["shift"]),
        helper.make_node("Reshape", ["sum", "column"], ["line"]),
        helper.make_node("Reshape", ["shift", "column"], ["moved"]),
        helper.make_node("Add", ["line", "moved"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 2, 2]),
         helper.make_tensor_value_info("place", TensorProto.INT64, ["n", 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1, 2]), "axes"),
         numpy_helper.from_array(np.array([-1, 1]), "column")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), folder / "m.onnx")
    rows = pd.DataFrame({"image": list(pixels.reshape(ROWS, 4)), "place": place, "y": rng.random(ROWS)})
    answers = pixels.sum(axis=(1, 2)) + table[place, 0]
    return Kept(artifact="m.onnx", rows=rows, task="regression", answers=answers, runtime="onnxruntime")
