"""A converted model whose graph calibrates its own answers, for where no Setpoint does."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from setpoint.domain.calibration import Calibration
from setpoint.domain.schema import Task
from setpoint.errors import InvalidInput

OURS = "setpoint_calibrated"  # the output, and what the names of nodes begin with
OLDEST = 11  # opset, from which on the last column can be asked for


def calibrated(raw: bytes, calibration: Calibration, task: Task) -> bytes:
    """Return an ONNX file whose last output is calibrated, in float64, as `calibration.apply` does it.

    Of a binary task it has shape (n, 2), of several classes (n, n_classes), of a regression (n, 1).

    Raises
    ------
    InvalidInput
        If the graph is of an opset too old to be added to.
    """
    model = onnx.load_model_from_string(raw)
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), None)
    if opset is None:
        model.opset_import.append(helper.make_opsetid("", OLDEST))
    elif opset < OLDEST:
        raise InvalidInput(
            f"the graph has opset {opset}, and a calibration can be added to one from {OLDEST} on; export the version "
            "before the calibration, or the model anew"
        )
    graph = _Graph(model.graph)
    score = model.graph.output.pop().name
    columns = graph.node("Reshape", graph.node("Cast", score, to=TensorProto.DOUBLE), graph.whole([0, -1]))
    answer = (_line if task is Task.REGRESSION else _classes)(graph, columns, calibration)
    graph.node("Identity", answer, out=OURS)
    width = {Task.REGRESSION: 1, Task.BINARY: 2}.get(task, len(calibration.shift))
    model.graph.output.append(helper.make_tensor_value_info(OURS, TensorProto.DOUBLE, [None, width]))
    return bytes(model.SerializeToString())


def _line(graph: "_Graph", columns: str, line: Calibration) -> str:
    around = graph.node("Mul", graph.node("Sub", columns, graph.number(line.centre)), graph.number(line.slope))
    return graph.node("Add", around, graph.number(line.centre + line.shift[0]))


def _classes(graph: "_Graph", columns: str, line: Calibration) -> str:
    columns = graph.node("Min", graph.node("Max", columns, graph.number(0.0)), graph.number(1.0))
    two = len(line.shift) == 1
    shift = (0.0, *line.shift) if two else line.shift
    if two:
        yes = graph.node("Gather", columns, graph.whole([-1]), axis=1)
        columns = graph.node("Concat", graph.node("Sub", graph.number(1.0), yes), yes, axis=1)
    weights = graph.node("Mul", graph.node("Pow", columns, graph.number(line.slope)), graph.number(*np.exp(shift)))
    total = graph.node("MatMul", weights, graph.constant(np.ones((len(shift), 1))))
    return graph.node("Div", weights, graph.node("Max", total, graph.number(np.finfo(np.float64).tiny)))


class _Graph:
    """Appends nodes and constants, each under a name of its own."""

    def __init__(self, graph: Any) -> None:
        self._graph, self._count = graph, 0

    def node(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Append a node; return the name of its output."""
        out = out or self._name()
        self._graph.node.append(helper.make_node(kind, list(inputs), [out], name=f"{OURS}_{out}", **attributes))
        return out

    def constant(self, values: Any) -> str:
        """Append a constant; return its name."""
        name = self._name()
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def number(self, *values: float) -> str:
        """Append a constant of one number, or of one a column."""
        return self.constant(np.array(values, np.float64))

    def whole(self, values: list[int]) -> str:
        """Append a constant of whole numbers."""
        return self.constant(np.array(values, np.int64))

    def _name(self) -> str:
        self._count += 1
        return f"{OURS}_{self._count}"
