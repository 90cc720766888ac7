"""Versions that run their parent's model, and answer or decide otherwise: recalibrated, or with another threshold."""

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from setpoint.deploy.package import PackageRequest
from setpoint.deploy.reference import features_of, read_reference, target_of
from setpoint.deploy.repackage import repackage
from setpoint.domain.calibration import Calibration, FloatArray, apply
from setpoint.domain.contract import imputed
from setpoint.domain.records import Column, Columns, stamp
from setpoint.domain.schema import Schema
from setpoint.domain.training_set import PROVENANCE_FILE, WEIGHT
from setpoint.domain.update import DERIVED, Method
from setpoint.domain.version import RESIDUAL_FILES, ModelVersion
from setpoint.errors import JobFailed, SetpointError
from setpoint.loop.learning.lineage import trained
from setpoint.loop.release import learn, read_contract
from setpoint.ports import BundleStore, FitJob
from setpoint.runtime import Model, load
from setpoint.runtime.adjusted import scores_of
from setpoint.runtime.columns import Head
from setpoint.update.derive import Labelled, changed
from setpoint.update.sets.origin import LOG

AT_ONCE = 10_000  # rows that a model is asked for


def derive(bundles: BundleStore, request: PackageRequest, job: FitJob) -> ModelVersion:
    """Make a version of a training set without training: whole, or not at all.

    Its model is its parent's, byte for byte. The set becomes its reference, as it does of a version that was trained;
    what is changed is learnt from those of its rows that the model itself has not learnt from.

    Raises
    ------
    InvalidInput
        If a model of this task cannot be changed so.
    JobFailed
        If there are too few rows, outcomes of one class only, or nothing to be gained.
    """
    bundles.expect()
    parent, home = bundles.get(job.model, job.parent), bundles.folder(job.model, job.parent)
    schema, table = parent.schema, read_reference(request.reference)
    model = load(home, replace(parent, calibration=None), memory_bytes=request.memory_bytes)
    raw = scored(model, features_of(table, schema.features), schema)
    calibration, threshold = (
        (None if job.line == Calibration() else job.line, parent.threshold)
        if job.line is not None
        else changed(parent, unlearnt(bundles, parent, job, table, raw), Method(request.method), job.gain)
    )
    request = replace(request, calibration=calibration, threshold=threshold)
    answers = Head(schema, threshold)(raw if calibration is None else apply(calibration, raw, schema.task))
    kept = tuple(home / name for name in RESIDUAL_FILES if parent.residual)
    return bundled(bundles, replace(request, residual=parent.residual, beside=request.beside + kept), parent, answers)


def bundled(bundles: BundleStore, request: PackageRequest, parent: ModelVersion, answers: Columns) -> ModelVersion:
    """Store a version that runs its parent's model, with what monitors compare with: whole, or not at all."""
    home = bundles.folder(parent.model, parent.version)
    with tempfile.TemporaryDirectory(prefix="setpoint-stage-") as work:
        staged = Path(work) / "bundle"
        staged.mkdir()
        version = repackage(request, parent, home, answers, staged)
        learn(staged, version, read_contract(home).given)
        return bundles.add(staged, version)


def scored(model: Model, columns: Columns, schema: Schema) -> FloatArray:
    """Return the raw answers to rows, asked for in parts: a model in a process of its own has a time for each.

    Raises
    ------
    JobFailed
        If there are no rows, or the model raises on one.
    """
    count = len(next(iter(columns.values())))
    if not count:
        raise JobFailed("the training set is empty: wait for outcomes")
    parts = [{n: c[at : at + AT_ONCE] for n, c in columns.items()} for at in range(0, count, AT_ONCE)]
    try:
        return np.concatenate([scores_of(model.predict(imputed(part, schema)), schema) for part in parts])
    except SetpointError:
        raise
    except Exception as e:  # a model is not our code
        said = next(iter(str(e).splitlines()), "")[:200]
        raise JobFailed(f"the model cannot answer the training set: {type(e).__name__}: {said}") from e


def unlearnt(bundles: BundleStore, parent: ModelVersion, job: FitJob, table: pa.Table, raw: FloatArray) -> Labelled:
    """Return the rows that the model has not learnt from: those of the log since what it was trained on.

    Where nothing tells where rows come from, those since the frontier of the last training, known at once.
    """
    origin, count = Path(job.training_set).with_name(PROVENANCE_FILE), np.arange(table.num_rows)
    weight = table[WEIGHT].to_numpy() if WEIGHT in table.column_names else np.ones(len(count))
    rows = Labelled(raw=raw, truth=target_of(table, parent.schema), weight=weight, time=count, known=count, row=count)
    if not origin.is_file():
        return rows.take(_since(table, parent.schema.time, job.trained_since))
    kept = DERIVED | {Method.RESIDUAL} if job.method is Method.RESIDUAL else DERIVED
    made, until = pq.read_table(origin), trained(bundles, parent, kept).lineage.trained_until
    fresh = np.array([source == LOG for source in made["source"].to_pylist()])
    if until is not None:
        fresh &= _since(made, "time", until)
    return replace(rows, time=_stamps(made, "time"), known=_stamps(made, "known")).take(fresh)


def _since(table: pa.Table, time: str | None, when: datetime) -> NDArray[np.bool_]:
    if time is None or time not in table.column_names or not pa.types.is_temporal(table.schema.field(time).type):
        return np.ones(table.num_rows, bool)
    return np.asarray(_stamps(table, time) >= stamp(when))


def _stamps(table: pa.Table, name: str) -> Column:
    stamps: Column = table[name].to_numpy().astype("datetime64[us]")
    return stamps
