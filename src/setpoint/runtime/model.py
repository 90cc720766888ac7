"""The one shape of a loaded model, whatever framework runs it."""

from importlib import import_module
from pathlib import Path
from typing import Protocol

from setpoint.domain.records import Column, Columns
from setpoint.domain.version import ModelVersion
from setpoint.errors import NotFound

ONNX_FILE = "model.onnx"
FRAMEWORKS = frozenset(
    {"catboost", "keras", "lightgbm", "python", "sklearn", "torch", "transformers", "xgboost"}
)  # modules of this room that have `opened(path, schema, threshold)`


class Model(Protocol):
    """A version that answers."""

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows.

        Parameters
        ----------
        columns : mapping of str to ndarray of shape (n,)
            Every feature of the schema: float64 with NaN for null (numeric, bool), or object holding str and None.

        Returns
        -------
        dict of str to ndarray of shape (n,)
            `prediction` (float64), or `label` (a value of `schema.classes` each) and `probability` (float64, of the
            second class; of the label where there are several), and what else `schema.outputs` names (float64).
        """


def load(folder: Path, version: ModelVersion, *, memory_bytes: int | None = None) -> Model:
    """Load a version from its bundle folder: a converted one here, a native one in a process of its own.

    The caller has checked the digests (`BundleStore.folder`), and the files were scanned before they became a bundle.
    `memory_bytes` is the most a process of its own may have; default: four fifths of the machine's.

    Raises
    ------
    Unusable
        If the framework is not installed; the text names the extra.
    NotFound
        If this release knows no such runtime.
    """
    if version.runtime == "native":
        from setpoint.runtime.process import ChildModel

        return ChildModel(folder, version, memory_bytes=memory_bytes)
    return load_here(folder, version)


def load_here(folder: Path, version: ModelVersion) -> Model:
    """Load a version into this process, with the runtime it was proven with, and adjust what it answers.

    The caller has checked the digests (`BundleStore.folder`), and the files were scanned before they became a bundle.
    A framework is imported only for a version that needs it.

    Raises
    ------
    Unusable
        If the framework is not installed; the text names the extra.
    NotFound
        If this release knows no such runtime.
    """
    raw = _load_raw(folder, version)
    if version.residual is None and version.calibration is None:
        return raw
    from setpoint.runtime.adjusted import adjusted

    return adjusted(raw, folder, version)


def _load_raw(folder: Path, version: ModelVersion) -> Model:
    if version.runtime == "onnxruntime":
        from setpoint.runtime.onnx import OnnxModel

        return OnnxModel((folder / ONNX_FILE).read_bytes(), version.schema, version.threshold, version.threads)
    if version.runtime == "native" and version.framework in FRAMEWORKS:
        framework = import_module(f"setpoint.runtime.{version.framework}")
        found: Model = framework.opened(folder / version.artifact, version.schema, version.threshold)
        return found
    raise NotFound(
        f"version {version.version} asks for runtime {version.runtime!r} of {version.framework!r}; unknown here"
    )
