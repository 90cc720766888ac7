"""A version as a folder that MLflow loads: as ONNX, and as a Python function that answers rows of a data frame."""

import json
import shutil
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import yaml

from setpoint.deploy.export import SCRIPT, check_converted, requirements, write_model, written
from setpoint.domain.schema import DType, Feature, Schema
from setpoint.domain.version import ModelVersion
from setpoint.runtime.model import ONNX_FILE

MODEL, CODE, LOADER, EXAMPLE = "model", "code", "setpoint_export", "input_example.json"
TYPES = {DType.FLOAT: "double", DType.INT: "long", DType.BOOL: "boolean", DType.STRING: "string"}
BEYOND = ("mlflow-skinny", "pandas")  # what the flavours need beside the model


def export_mlflow(folder: Path, version: ModelVersion, to: Path) -> None:
    """Write a version as an MLflow model directory.

    Parameters
    ----------
    folder : Path
        Of its bundle, whose digests hold.
    to : Path
        Made; an empty one may be there.

    Raises
    ------
    InvalidInput
        If the version could not be converted to ONNX, or takes tokens.
    Conflict
        If there is something in `to`.
    """
    check_converted(folder, version)

    def write(made: Path) -> None:
        (made / MODEL).mkdir()
        (made / CODE).mkdir()
        write_model(folder, version, made / MODEL)
        for script in (SCRIPT, SCRIPT.with_name(f"{LOADER}.py")):
            shutil.copyfile(script, made / CODE / script.name)
        needed = [*requirements(version), f"onnx=={_onnx(version)}", *BEYOND]
        (made / "requirements.txt").write_text("".join(f"{line}\n" for line in needed))
        environment = {"python": version.lineage.python, "dependencies": ["-r requirements.txt"]}
        (made / "python_env.yaml").write_text(yaml.safe_dump(environment, sort_keys=False))
        (made / EXAMPLE).write_text(json.dumps(_example(version.schema)))
        (made / "MLmodel").write_text(yaml.safe_dump(_mlmodel(version), sort_keys=False))

    written(to, write)


def _mlmodel(version: ModelVersion) -> dict[str, Any]:
    created = version.lineage.created
    return {
        "flavors": {
            "onnx": {
                "data": f"{MODEL}/{ONNX_FILE}",
                "onnx_version": _onnx(version),
                "providers": ["CPUExecutionProvider"],
            },
            "python_function": {
                "loader_module": LOADER,
                "data": MODEL,
                "code": CODE,
                "env": {"virtualenv": "python_env.yaml"},
                "python_version": version.lineage.python,
            },
        },
        "utc_time_created": f"{created:%Y-%m-%d %H:%M:%S.%f}",
        "metadata": {"setpoint_model": version.model, "setpoint_version": version.version},
        "signature": {"inputs": json.dumps(_inputs(version.schema)), "outputs": json.dumps(_outputs(version.schema))},
        "saved_input_example_info": {"artifact_path": EXAMPLE, "type": "dataframe", "pandas_orient": "split"},
    }


def _inputs(schema: Schema) -> list[dict[str, Any]]:
    return [{"type": _type(f), "name": f.name, "required": True} for f in schema.features]


def _type(feature: Feature) -> str:
    """Return MLflow's type; a whole number or a bool that may be missing is a double, as in pandas."""
    numeric = feature.dtype is not DType.STRING
    return "double" if feature.nullable and numeric else TYPES[feature.dtype]


def _outputs(schema: Schema) -> list[dict[str, Any]]:
    kinds = {"label": {bool: "boolean", int: "long"}.get(type(schema.classes[0]), "string")} if schema.classes else {}
    return [{"type": kinds.get(name, "double"), "name": name, "required": True} for name in schema.outputs]


def _example(schema: Schema) -> dict[str, Any]:
    """Return one row made up from the ranges of the reference: no row of it leaves the home."""
    return {"columns": list(schema.names), "data": [[_value(f) for f in schema.features]]}


def _value(feature: Feature) -> float | int | bool | str:
    if feature.dtype is DType.STRING:
        return feature.levels[0] if feature.levels else ""
    middle = ((feature.low or 0.0) + (feature.high or 0.0)) / 2
    if feature.levels and feature.low is None:
        middle = float({"true": 1, "false": 0}.get(feature.levels[0].lower(), feature.levels[0]))
    match feature.dtype:
        case DType.BOOL:
            return bool(middle)
        case DType.INT:
            return int(middle)
        case _:
            return middle


def _onnx(version: ModelVersion) -> str:
    return version.lineage.packages.get("onnx") or installed("onnx")
