"""Whether onnxruntime runs a graph; if it is too new, which versions it has and which are known here."""

import re
from typing import Any

import onnxruntime as ort

from setpoint.errors import InvalidInput

OPSET_LIMIT = re.compile(r"support for domain (\S+) is till opset (\d+)")
IR_LIMIT = re.compile(r"max supported IR version: (\d+)")


def check_runs(model: Any, name: str) -> None:
    """Open a session on the graph, and close it.

    Raises
    ------
    InvalidInput
        If onnxruntime refuses it: the versions of the graph, those it knows, and what to do.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as e:  # onnxruntime's own errors share no base class
        raise InvalidInput(_refused(model, name, str(e))) from e


def _refused(model: Any, name: str, said: str) -> str:
    opsets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import)
    found = f"{name} has IR version {model.ir_version} and opset {opsets}"
    if limit := OPSET_LIMIT.search(said):
        domain, most = limit.groups()
        return (
            f"{found}; onnxruntime {ort.__version__} knows opsets of {domain} up to {most}. Export it again with "
            f"`opset_version={most}` (torch.onnx.export), `opset={most}` (tf2onnx) or `target_opset={most}` "
            "(skl2onnx), or install a newer onnxruntime"
        )
    if limit := IR_LIMIT.search(said):
        return (
            f"{found}; onnxruntime {ort.__version__} knows IR versions up to {limit[1]}. Save it again with "
            f"model.ir_version = {limit[1]}, or install a newer onnxruntime"
        )
    words = said.rpartition(" : ")[2].removeprefix("Fatal error: ").strip().splitlines()[0][:280]
    return f"onnxruntime {ort.__version__} cannot run {name}: {words}. {found}; check it with onnx.checker.check_model"
