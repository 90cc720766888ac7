"""A version as a folder of its own: onnxruntime, NumPy and a script of 30 lines answer as the server does."""

import shutil
from collections.abc import Callable
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import msgspec

from setpoint.domain.schema import Schema
from setpoint.domain.value import to_json
from setpoint.domain.version import ModelVersion
from setpoint.errors import Conflict, InvalidInput, Unusable
from setpoint.runtime.model import ONNX_FILE
from setpoint.runtime.onnx import interface

SIGNATURE, SCRIPT = "signature.json", Path(__file__).parent / "exported" / "predict.py"
NAMED = 20  # columns that the README names
NEEDED = ("numpy", "onnxruntime")
README = """\
# {model} {version}

Exported by Setpoint {setpoint}; the content of bundle {digest}.

    pip install -r requirements.txt
    python predict.py rows.csv

`rows.csv` (or `.json`, a list of objects) has the columns {columns}.
An empty cell is a missing value. Each line printed answers a row: {answer}.

`predict.py` answers as the server does for a request that fits. It does not check rows against the contract of
setpoint.yaml, imputes nothing, and knows no repairs. `signature.json` says what the model takes and answers.
"""


def export(folder: Path, version: ModelVersion, digest: str, to: Path) -> None:
    """Write a version to a folder that runs with onnxruntime and NumPy alone.

    Parameters
    ----------
    folder : Path
        Of its bundle, whose digests hold.
    digest : str
        Of its manifest.
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
        write_model(folder, version, made)
        shutil.copyfile(SCRIPT, made / "predict.py")
        (made / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements(version)))
        (made / "README.md").write_text(_readme(version, digest))

    written(to, write)


def check_converted(folder: Path, version: ModelVersion) -> None:
    """Refuse a version that runs in its framework alone; the text says what it needs."""
    if version.residual is not None:
        raise InvalidInput(
            f"{version.model} {version.version} answers with two models, its own and a residual one on top of it, and "
            f"an export holds one: export its parent {version.lineage.parent}, or a version that was refitted"
        )
    if (folder / ONNX_FILE).is_file():
        return
    why = next((v.why for v in version.variants if v.runtime != "native"), "it was not converted")
    packages = ", ".join(f"{name}=={number}" for name, number in version.lineage.packages.items())
    raise InvalidInput(
        f"{version.model} {version.version} has no ONNX model to export ({why}). Its own file is "
        f"{folder / version.artifact}, and needs {packages}"
    )


def write_model(folder: Path, version: ModelVersion, to: Path) -> None:
    """Write model.onnx, which calibrates its answers itself, and signature.json into a folder."""
    raw = (folder / ONNX_FILE).read_bytes()
    if version.calibration is not None:
        from setpoint.deploy.calibrated_graph import calibrated

        raw = calibrated(raw, version.calibration, version.schema.task)
    (to / ONNX_FILE).write_bytes(raw)
    (to / SIGNATURE).write_bytes(to_json(_signature(raw, version), pretty=True))


def written(to: Path, write: Callable[[Path], None]) -> None:
    """Fill a folder under another name, and give it its own when it is whole.

    Raises
    ------
    Conflict
        If there is something in it.
    Unusable
        If it cannot be written.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise Conflict(f"{to} is not empty; name a folder that is not there")
    partial = to.with_name(f".{to.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write(partial)
        partial.replace(to)  # over an empty folder, too
    except OSError as e:
        raise Unusable(f"cannot write {to}: {e.strerror}") from e
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def requirements(version: ModelVersion) -> list[str]:
    """Return what the export needs, in the versions that it was proven with."""
    known = version.lineage.packages
    return [f"{name}=={known.get(name) or installed(name)}" for name in NEEDED]


def _signature(raw: bytes, version: ModelVersion) -> dict[str, Any]:
    schema = version.schema
    inputs, score = interface(raw, schema)
    return {
        "model": version.model,
        "version": version.version,
        "task": str(schema.task),
        "inputs": [msgspec.to_builtins(tensor) for tensor in inputs],
        "output": score,
        "answers": list(schema.outputs),
        "columns": {f.name: str(f.dtype) for f in schema.features},
        "classes": list(schema.classes),
        "threshold": version.threshold,
    }


def _readme(version: ModelVersion, digest: str) -> str:
    return README.format(
        model=version.model,
        version=version.version,
        setpoint=installed("setpoint"),
        digest=digest or "of the first format",
        columns=_columns(version.schema.names),
        answer=_answer(version.schema),
    )


def _columns(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED:,} more, see `signature.json`" if len(names) > NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:NAMED]) + more


def _answer(schema: Schema) -> str:
    return ", ".join(f"`{name}`" for name in schema.outputs[:NAMED])
