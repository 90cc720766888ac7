"""The ways of running a model that are tried: its framework, onnxruntime, and onnxruntime at lower precision."""

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from setpoint.deploy.checks import with_checks
from setpoint.deploy.job import words
from setpoint.deploy.parity import compare, compared, decided
from setpoint.deploy.stress import stresses
from setpoint.deploy.timing import one_row_us
from setpoint.domain import value as values
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.domain.version import Parity, Price
from setpoint.runtime import Model
from setpoint.runtime.onnx import OnnxModel
from setpoint.stats.losses import answer_losses
from setpoint.stats.paired import mean_interval

PARITY_ROWS = 200_000
NATIVE, ONNX = "native", "onnxruntime"
DENSE = ("MatMul", "Gemm", "Conv", "LSTM", "GRU", "Attention")  # what dynamic quantisation makes smaller
FEWEST_WEIGHTS = 10_000  # below, int8 gains nothing
MOST_LOSS, MOST_FLIPS = 0.01, 0.005  # fraction of the loss, and of the rows, that int8 may cost
SHARED_FROM_US = 200.0
LEVEL = 0.9  # of the two-sided interval whose upper bound alone decides


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """One way of running a model; `failed` says in words why there is none. `raw` is its model.onnx."""

    runtime: str
    precision: str
    threads: int = 1
    model: Model | None = None
    raw: bytes = b""
    parity: Parity | None = None
    price: Price | None = None
    failed: str = ""

    @property
    def right(self) -> bool:
        """Whether it may serve: its answers are the framework's, or cost little enough."""
        return not self.failed and (self.parity is None or self.parity.ok) and (self.price is None or self.price.ok)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """What every way of running a model is held against: the reference, and the framework's own answers to it."""

    columns: Columns
    truth: Column
    answers: Columns
    native: Model
    schema: Schema
    threshold: float
    hidden: tuple[str, ...] = ()  # features whose values are told nobody


def converted(raw: bytes, exam: Exam) -> Tried:
    """Hold a converted model against the framework, on the reference and on rows with odd values."""
    model = OnnxModel(raw, exam.schema, exam.threshold)
    return Tried(runtime=ONNX, precision="fp32", model=model, raw=raw, parity=_parity(model, exam))


def _parity(model: OnnxModel, exam: Exam) -> Parity:
    schema, scores = exam.schema, compared(exam.answers, exam.schema)
    rows = np.arange(len(scores))
    if len(rows) > PARITY_ROWS:
        rows = np.linspace(0, len(scores) - 1, PARITY_ROWS).astype(np.intp)
    other = compared(model.predict({name: column[rows] for name, column in exam.columns.items()}), schema)
    found = compare(scores[rows], other, schema.task, exam.threshold)
    return with_checks(
        values.replace(found, worst_row=int(rows[found.worst_row or 0])),
        stresses(exam.columns, schema),
        lambda columns: compared(exam.native.predict(columns), schema),
        lambda columns: compared(model.predict(columns), schema),
        schema.task,
        exam.threshold,
        exam.hidden,
    )


def threaded(tried: Tried, exam: Exam) -> Tried | None:
    """Return the same model on two threads; None where there are none to spare, or one row is too quick to share."""
    assert tried.model is not None
    if (os.cpu_count() or 1) < 2 or one_row_us(tried.model, exam.columns) < SHARED_FROM_US:
        return None
    return replace(tried, threads=2, model=OnnxModel(tried.raw, exam.schema, exam.threshold, threads=2))


def quantised(tried: Tried, exam: Exam) -> Tried | None:
    """Return the model with int8 weights, and what that costs on the reference; None where it has few of them."""
    if _weights(tried.raw) < FEWEST_WEIGHTS:
        return None
    try:
        raw = _int8(tried.raw)
        model = OnnxModel(raw, exam.schema, exam.threshold)
        price = _price(model.predict(exam.columns), exam)
    except Exception as e:  # the quantiser fails in every way there is
        return Tried(runtime=ONNX, precision="int8", failed=f"cannot be made: {words(e)}")
    if not np.isfinite([price.change, price.most]).all():
        return Tried(runtime=ONNX, precision="int8", failed="what int8 costs cannot be told from the reference")
    return Tried(runtime=ONNX, precision="int8", model=model, raw=raw, price=price)


def _weights(raw: bytes) -> int:
    """Count the weights of the layers that int8 makes smaller."""
    graph = onnx.load_model_from_string(raw).graph
    dense = {name for node in graph.node if node.op_type in DENSE for name in node.input}
    return sum(int(np.prod(w.dims)) for w in graph.initializer if w.name in dense)


def _int8(raw: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory(prefix="setpoint-int8-") as folder:
        before, after = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        before.write_bytes(raw)
        quantize_dynamic(before, after, weight_type=QuantType.QInt8)
        return after.read_bytes()


def _price(answers: Columns, exam: Exam) -> Price:
    schema = exam.schema
    own, other = (answer_losses(a, exam.truth, schema) for a in (exam.answers, answers))
    known = np.isfinite(own) & np.isfinite(other)
    before = float(own[known].mean()) if known.any() else 0.0
    found = mean_interval(other[known] - own[known], level=LEVEL)
    change, most = (x / before if before > 0 else np.inf for x in (found.mean, found.high))
    scores = [compared(a, schema) for a in (exam.answers, answers)]
    flips = 0.0
    if schema.task is not Task.REGRESSION:
        flips = float(np.mean(np.not_equal(*(decided(s, exam.threshold) for s in scores))))
    return Price(change=change, most=most, flips=flips, ok=most <= MOST_LOSS and flips <= MOST_FLIPS)
