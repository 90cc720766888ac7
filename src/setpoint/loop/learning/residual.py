"""Versions with a small model on top of their parent's, which stays as it is: fitted, converted and proven apart."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import joblib
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingRegressor

from setpoint.deploy.job import Job, convert
from setpoint.deploy.package import PackageRequest
from setpoint.deploy.reference import features_of, read_reference
from setpoint.domain.calibration import corrected
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import hidden
from setpoint.domain.training_set import WEIGHT
from setpoint.domain.update import Method
from setpoint.domain.version import RESIDUAL_FILES, ModelVersion, Residual, Variant
from setpoint.errors import JobFailed
from setpoint.govern.scan import scan
from setpoint.loop.learning.derived import bundled, scored, unlearnt
from setpoint.ports import BundleStore, FitJob
from setpoint.runtime import load
from setpoint.runtime.adjusted import schema_of
from setpoint.runtime.columns import Head
from setpoint.runtime.model import ONNX_FILE
from setpoint.runtime.onnx import OnnxModel
from setpoint.update.derive import check_rows
from setpoint.update.fit import Fitted
from setpoint.update.residual import SIZE, response, taken

MODEL, SERVED = RESIDUAL_FILES
SET = "residual.parquet"
FEWEST_ROWS = 200
Fit = Callable[[FitJob, Path, Schema, Path], Fitted]


def correct(bundles: BundleStore, request: PackageRequest, job: FitJob, folder: Path, fit: Fit) -> ModelVersion:
    """Fit a small model to what the parent's own model misses, and make a version of both: whole, or not at all.

    It starts from the answers of the model itself: no residual model is piled on another, nor on a calibration.

    Parameters
    ----------
    folder : Path
        The job's own.
    fit : callable
        `run_fit` within its limits.

    Raises
    ------
    InvalidInput
        If a model of this task, or of these columns, cannot be corrected so.
    JobFailed
        If there are too few rows, or the small model was not fitted or not converted right.
    """
    bundles.expect()
    parent, home = bundles.get(job.model, job.parent), bundles.folder(job.model, job.parent)
    schema, table = parent.schema, read_reference(request.reference)
    small, columns = schema_of(schema, taken(schema)), features_of(table, schema.features)
    own = load(home, replace(parent, calibration=None, residual=None), memory_bytes=request.memory_bytes)
    raw = scored(own, columns, schema)
    rows = unlearnt(bundles, parent, job, table, raw)
    check_rows(rows, schema, FEWEST_ROWS)
    missed, weight = response(schema.task, rows.raw, rows.truth, rows.weight)
    work = folder / "residual"
    work.mkdir(parents=True, exist_ok=True)
    try:
        taught = {name: columns[name][rows.row] for name in small.names} | {schema.target: missed, WEIGHT: weight}
        pq.write_table(pa.table(taught), work / SET)
        files, ran = _made(replace(job, training_set=str(work / SET)), small, work, request, fit)
        by = OnnxModel(files[-1].read_bytes(), small).predict(columns)["prediction"]
        answers = Head(schema, parent.threshold)(corrected(raw, by, schema.task))
        request = replace(request, residual=Residual(features=small.names), beside=(*request.beside, *files))
        return bundled(bundles, request, replace(parent, variants=_both(parent.variants, ran)), answers)
    finally:
        shutil.rmtree(work)  # which holds values


def _made(
    job: FitJob, schema: Schema, work: Path, request: PackageRequest, fit: Fit
) -> tuple[tuple[Path, Path], Variant]:
    """Return the small model in its two forms, fitted and converted in processes of their own, and how it runs."""
    joblib.dump(HistGradientBoostingRegressor(**SIZE), work / MODEL)
    fitted = fit(replace(job, method=Method.REFIT, train=None, new_rows=None), work / MODEL, schema, work)
    model = Path(str(fitted.artifact))
    out = work / "converted"
    out.mkdir(exist_ok=True)
    asked = Job(
        artifact=str(model.resolve()),
        framework="sklearn",
        reference=str(Path(job.training_set).resolve()),
        out=str(out.resolve()),
        target=schema.target,
        schema=schema,
        hidden=tuple(f.name for f in hidden(schema)),
        trusted=scan(model, ()),
    )
    found = convert(asked, request.timeout_s, request.memory_bytes)
    ran = next((v for v in found.variants if v.runtime != "native"), found.variants[0])
    if not (out / ONNX_FILE).is_file():
        raise JobFailed(f"the residual model does not convert right ({ran.why}): refit")
    return (model, (out / ONNX_FILE).rename(work / SERVED)), ran


def _both(variants: tuple[Variant, ...], small: Variant) -> tuple[Variant, ...]:
    """Return how the parent runs, with the small model's own time added to what was chosen."""
    return tuple(replace(v, p50_us=_sum(v.p50_us, small.p50_us)) if v.chosen else v for v in variants)


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
