"""Run a converted model with onnxruntime; nothing of pandas, scikit-learn or TensorFlow is imported."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Tensor
from setpoint.domain.value import replace
from setpoint.errors import Corrupt, InvalidInput
from setpoint.runtime import tokens
from setpoint.runtime.columns import Head, matrix, tensors
from setpoint.runtime.tokens import TOKENIZER

DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(string)": "string"}
FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64}


class OnnxModel:
    """A converted model in one session.

    Takes either one float32 matrix, or one input of shape (n, 1) a feature, in the schema's order, or the schema's
    tensors; its last output is the score.

    Parameters
    ----------
    raw : bytes
        The ONNX file.
    schema : Schema
    threshold : float
        Decision threshold of a binary task.
    threads : int
        Threads that one answer may take.
    """

    def __init__(self, raw: bytes, schema: Schema, threshold: float = 0.5, threads: int = 1) -> None:
        self._outputs = Head(schema, threshold)
        try:
            self._session = ort.InferenceSession(raw, _options(threads), providers=["CPUExecutionProvider"])
        except Exception as e:  # onnxruntime's own errors share no base class
            raise Corrupt(f"onnxruntime cannot load the converted model: {str(e).strip().splitlines()[0][:300]}") from e
        self._run = _runner(self._session, schema)

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`)."""
        return self._outputs(self._run(columns))


def _runner(session: Any, schema: Schema) -> Callable[[Columns], Column]:
    """Return what runs a session on columns; texts are cut into tokens if the file holds a tokenizer."""
    wanted = [session.get_outputs()[-1].name]
    told = session.get_modelmeta().custom_metadata_map
    if TOKENIZER in told:
        return tokens.runner(session, wanted, told, schema)
    feed = _feeder(session.get_inputs(), schema)

    def run(columns: Columns) -> Column:
        (raw,) = session.run(wanted, feed(columns))
        answer: Column = raw
        return answer

    return run


def interface(raw: bytes, schema: Schema) -> tuple[tuple[Tensor, ...], str]:
    """Return what a converted model takes, as tensors made of features, and the name of the output with the score.

    Raises
    ------
    InvalidInput
        If it takes tokens, which are made of texts before it runs.
    """
    session = ort.InferenceSession(raw, _options(1), providers=["CPUExecutionProvider"])
    if TOKENIZER in session.get_modelmeta().custom_metadata_map:
        raise InvalidInput(
            "the model takes tokens, and onnxruntime alone makes none of a text. Serve it with `setpoint up`; its "
            f"tokenizer is in the metadata of the bundle's ONNX file, under {TOKENIZER!r}"
        )
    inputs, score = session.get_inputs(), session.get_outputs()[-1].name
    if schema.tensors:
        return _called([i.name for i in inputs], schema.tensors), score
    if len(inputs) == 1 and inputs[0].type == "tensor(float)":
        return (Tensor(name=inputs[0].name, shape=(len(schema.names),), dtype="float32", features=schema.names),), score
    columns = [
        Tensor(name=i.name, shape=(1,), dtype=DTYPES[i.type], features=(name,))
        for i, name in zip(inputs, schema.names, strict=True)
    ]
    return tuple(columns), score


def _feeder(inputs: Sequence[Any], schema: Schema) -> Callable[[Columns], dict[str, Column]]:
    """Return what makes a session's inputs of columns."""
    if schema.tensors:
        asked = _called([i.name for i in inputs], schema.tensors)
        return lambda columns: tensors(columns, asked)
    names = schema.names
    if len(inputs) not in (1, len(names)):
        raise Corrupt(f"the converted model takes {len(inputs)} inputs, and the schema has {len(names)}")
    first = inputs[0].name
    if len(inputs) == 1 and inputs[0].type == "tensor(float)":
        return lambda columns: {first: matrix(columns, names)}
    given = [(i.name, i.type, name) for i, name in zip(inputs, names, strict=False)]
    return lambda columns: {of: _tensor(columns[name], kind) for of, kind, name in given}


def _called(inputs: Sequence[str], own: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the schema's tensors as the converted model calls them: by its inputs' names, or else by their order."""
    of = {t.name: t for t in own}
    if not of.keys() >= set(inputs):
        if len(inputs) != len(own):
            raise Corrupt(f"the converted model takes {', '.join(inputs)}, and the schema has {', '.join(of)}")
        of = dict(zip(inputs, own, strict=True))
    return tuple(replace(of[name], name=name) for name in inputs)


def _tensor(column: Column, kind: str) -> Column:
    """One column as a tensor of shape (n, 1); a missing text is the empty text, for ONNX has no other."""
    if kind == "tensor(string)":
        return np.array(["" if v is None else v for v in column], dtype=object).reshape(-1, 1)
    with np.errstate(over="ignore"):
        return column.astype(FLOATS[kind]).reshape(-1, 1)


def _options(threads: int) -> Any:
    """Threads that do not spin between answers, and memory that shrinks again after a large batch."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options
