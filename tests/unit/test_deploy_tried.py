"""Ways of running a model at lower precision or on more threads: when they are tried, and what they cost."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from setpoint.deploy.tried import Exam, Tried, converted, quantised, threaded
from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.runtime.onnx import OnnxModel

WIDTH, ROWS = 40, 400
RNG = np.random.default_rng(11)
SCHEMA = Schema(
    features=tuple(Feature(name=f"x{i}", kind=Kind.NUMERIC, dtype=DType.FLOAT, low=-3, high=3) for i in range(WIDTH)),
    target="y",
    task=Task.REGRESSION,
)


def network(hidden: int) -> bytes:
    """Return a perceptron of one hidden layer with random weights."""
    shapes = {"A": (WIDTH, hidden), "B": (hidden, 1)}
    weights = [numpy_helper.from_array(RNG.normal(size=s).astype(np.float32) / 6, n) for n, s in shapes.items()]
    nodes = [
        helper.make_node("MatMul", ["X", "A"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "B"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, w]) for n, w in (("X", WIDTH), ("y", 1))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    raw: bytes = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    return raw


def exam(raw: bytes, noise: float) -> Exam:
    """Return an exam in which the framework errs by `noise`, on average."""
    columns: dict[str, Any] = {name: RNG.normal(size=ROWS) for name in SCHEMA.names}
    native = OnnxModel(raw, SCHEMA)
    answers = native.predict(columns)
    truth = answers["prediction"] + RNG.normal(0, noise, ROWS)
    return Exam(columns=columns, truth=truth, answers=answers, native=native, schema=SCHEMA, threshold=0.5)


def test_int8_is_smaller_and_cheap_where_the_model_errs_more_than_it_does() -> None:
    raw = network(400)
    seen = exam(raw, noise=1.0)
    plain = converted(raw, seen)
    assert plain.right
    small = quantised(plain, seen)
    assert small is not None
    assert small.price is not None
    assert len(small.raw) < len(raw) / 2
    assert abs(small.price.change) < 0.01
    assert small.right is (small.price.most <= 0.01)


def test_int8_costs_too_much_where_the_model_hardly_errs() -> None:
    raw = network(400)
    seen = exam(raw, noise=0.001)
    small = quantised(converted(raw, seen), seen)
    assert small is not None
    assert small.price is not None
    assert small.price.most > 0.1
    assert not small.right


@pytest.mark.parametrize("known", [0, 5])
def test_what_too_few_outcomes_cannot_tell_is_said(known: int) -> None:
    raw = network(400)
    seen = exam(raw, noise=1.0)
    seen.truth[known:] = np.nan
    small = quantised(converted(raw, seen), seen)
    assert small is not None
    assert small.failed == "what int8 costs cannot be told from the reference"


def test_a_small_model_is_tried_in_no_other_way() -> None:
    raw = network(20)
    seen = exam(raw, noise=1.0)
    plain = converted(raw, seen)
    assert quantised(plain, seen) is None
    assert threaded(plain, seen) is None


def test_a_slow_model_is_tried_on_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = network(20)
    seen = exam(raw, noise=1.0)
    monkeypatch.setattr("setpoint.deploy.tried.one_row_us", lambda model, columns: 500.0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    two = threaded(converted(raw, seen), seen)
    assert two is not None
    assert two.threads == 2
    assert two.model is not None
    np.testing.assert_allclose(two.model.predict(seen.columns)["prediction"], seen.answers["prediction"], rtol=1e-5)


def test_only_what_is_right_may_serve() -> None:
    raw = network(20)
    seen = exam(raw, noise=1.0)
    other = converted(network(20), seen)
    assert other.parity is not None
    assert not other.right
    assert not replace(other, parity=None, failed="broken").right
    assert Tried(runtime="native", precision="as trained").right
