"""From a model file and a reference table to the content of a bundle: import, convert, prove, choose, profile."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from setpoint.deploy import provenance
from setpoint.deploy.answers import CLASSES_FILE, SCORES_FILE, labels_of
from setpoint.deploy.contract import contracted
from setpoint.deploy.hidden import countable, declared, guarded
from setpoint.deploy.importers import framework_of
from setpoint.deploy.job import Converted, Job, convert
from setpoint.deploy.keeping import keep, whole
from setpoint.deploy.lined import line_up
from setpoint.deploy.mlflow_folder import NOT_LOGGED, Logged
from setpoint.deploy.reference import features_of, read_reference
from setpoint.domain.calibration import Calibration
from setpoint.domain.cuts import with_described
from setpoint.domain.evolution import continued
from setpoint.domain.keys import Keys
from setpoint.domain.parts import parts_of
from setpoint.domain.profile import (
    Binning,
    binning_of,
    profile_of,
    profile_to_json,
    profiles_to_json,
    with_missing,
)
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Contract, Handling, Schema, Task
from setpoint.domain.segments import check as check_segments
from setpoint.domain.sensitive import guard_of, hidden
from setpoint.domain.training_set import WEIGHT
from setpoint.domain.value import field, replace, to_json, value
from setpoint.domain.version import Lineage, ModelVersion, Residual
from setpoint.errors import JobFailed
from setpoint.runtime.describe import Describer
from setpoint.runtime.model import ONNX_FILE

REFERENCE_FILE = "reference.parquet"
BINNING_FILE = "binning.json"
PROFILE_FILE = "profile.json"
SEGMENTS_FILE = "segments.json"  # profiles of the reference's segments, where there are any
DESCRIBE_S = 300.0  # for 10,000 rows of the reference


@value
class PackageRequest:
    """What to make a version of.

    The artefact was scanned by the caller; `trusted` are the types the scan returned. A candidate gets `schema` and
    `binning` from its parent, so that records and profiles of both add up; a first version has them inferred.
    """

    model: str
    version: str
    artifact: Path
    reference: Path
    target: str
    created: datetime
    reason: str
    task: Task | None = None
    time: str | None = None
    id: str | None = None
    output: str | None = None  # what the model calls the output that predicts the target, where it has several
    schema: Schema | None = None
    contracts: dict[str, Contract] = field(default_factory=dict)  # by feature; a candidate has them in its schema
    segments: tuple[str, ...] = ()  # features by whose values rows are counted apart; settled by the first version
    describe: str = ""  # path/to/file.py:function, which describes inputs beside their profile; settled by the first
    sensitive: dict[str, Handling] = field(default_factory=dict)  # by feature; this, too, and what follows
    sensitive_id: Handling | None = None
    sensitive_caller: Handling | None = None
    keys: Keys | None = None
    binning: Binning | None = None
    threshold: float = 0.5
    residual: Residual | None = None
    calibration: Calibration | None = None
    lined_rows: int = 0  # the last ones of the reference, which the model did not learn: its line is fitted on them
    latency_us: float | None = None  # what the objectives ask of one answer
    beside: tuple[Path, ...] = ()  # files on how the reference was made, which go into the bundle with it
    set_sha256: str = ""
    parent: str | None = None
    trained_since: datetime | None = None
    trained_until: datetime | None = None
    created_by: str = ""
    method: str = ""  # of making it from its parent
    train: str = ""  # `train:` of setpoint.yaml, relative to `source`, the folder of that
    source: str = ""
    allow: tuple[str, ...] = ()  # types beyond the known safe ones, by the user's word
    trusted: tuple[str, ...] = ()
    logged: Logged = NOT_LOGGED
    timed: bool = True  # else nothing hangs on how fast the machine is just now
    timeout_s: float = 1_800.0
    memory_bytes: int | None = None  # None: four fifths of the machine's


def package(request: PackageRequest, staged: Path, progress: Callable[[str], None] = lambda step: None) -> ModelVersion:
    """Fill the empty folder `staged` with the content of a bundle, and return its manifest (the store fills `files`).

    Parameters
    ----------
    request : PackageRequest
    staged : Path
        Where the model file, model.onnx (if it converted and is right), reference.parquet, binning.json and
        profile.json appear.
    progress : callable
        Told each step in words.

    Raises
    ------
    InvalidInput
        If the model or the reference does not fit, in words.
    Unusable
        If the model's framework is not installed.
    JobFailed
        If the conversion died, took longer than `timeout_s` or needed more than `memory_bytes`.
    """
    framework = framework_of(request.artifact)
    progress("reading the reference")
    reference = read_reference(request.reference)
    artifact = keep(request.artifact, staged)
    progress("converting and measuring the model")
    with tempfile.TemporaryDirectory(prefix="setpoint-convert-") as work:
        found = convert(_job(request, framework, artifact, Path(work)), request.timeout_s, request.memory_bytes)
        schema = _said(contracted(_whole(found), request.contracts, reference), request)
        scores = np.load(Path(work) / SCORES_FILE)
        if request.lined_rows:
            line, scores, metrics = line_up(Path(work), reference, schema, request.threshold, request.lined_rows)
            request, found = replace(request, calibration=line), replace(found, metrics=metrics)
        if schema.task is Task.MULTICLASS:
            shutil.copyfile(Path(work) / CLASSES_FILE, staged / CLASSES_FILE)
        if (Path(work) / ONNX_FILE).is_file():
            shutil.copyfile(Path(work) / ONNX_FILE, staged / ONNX_FILE)
    check_segments(request.segments, schema)
    progress(_profiling(request))
    return settled(request, staged, reference, artifact, replace(found, schema=schema), scores)


def settled(
    request: PackageRequest, staged: Path, reference: pa.Table, artifact: Path, found: Converted, scores: Column
) -> ModelVersion:
    """Write what is kept of the reference and of the answers to it, and return the manifest.

    Parameters
    ----------
    artifact : Path
        The model file, in `staged`.
    scores : ndarray of shape (n,), float64
        The version's answers to the reference; of several classes their table is in `staged` already.
    """
    schema = _whole(found)
    guard, of_records = guard_of(request.model, schema, request.keys), request.schema is not None
    kept = guarded(_kept(reference, schema), schema, guard, of_records=of_records)
    pq.write_table(kept, staged / REFERENCE_FILE, compression="zstd")
    for file in request.beside:
        shutil.copyfile(file, staged / file.name)
    np.save(staged / SCORES_FILE, scores)
    _profile(kept, schema, scores, request, staged)
    return ModelVersion(
        model=request.model,
        version=request.version,
        framework=framework_of(request.artifact),
        runtime=next(v.runtime for v in found.variants if v.chosen),
        artifact=artifact.relative_to(staged).as_posix(),
        schema=schema,
        lineage=_lineage(request, whole(artifact), reference.num_rows, found),
        files={},
        variants=found.variants,
        threshold=0.0 if schema.task is Task.MULTICLASS else request.threshold,
        residual=request.residual,
        calibration=request.calibration,
        reference_metrics=found.metrics,
    )


def _job(request: PackageRequest, framework: str, artifact: Path, work: Path) -> Job:
    return Job(
        artifact=str(artifact.resolve()),
        framework=framework,
        reference=str(request.reference.resolve()),
        out=str(work.resolve()),
        target=request.target,
        task=request.task,
        time=request.time,
        id=request.id,
        schema=request.schema,
        threshold=request.threshold,
        latency_us=request.latency_us,
        hidden=_hidden(request),
        trusted=request.trusted,
        logged=request.logged,
        output=request.output,
        timed=request.timed,
    )


def _hidden(request: PackageRequest) -> tuple[str, ...]:
    """Return the features whose values are told nobody; a candidate has them from its parent."""
    if request.schema is not None:
        return tuple(f.name for f in hidden(request.schema))
    return tuple(request.sensitive)


def _said(schema: Schema, request: PackageRequest) -> Schema:
    """Return the schema with what the file says is sensitive; a candidate has it from its parent."""
    if request.schema is not None:
        return schema
    return declared(schema, request.sensitive, id=request.sensitive_id, caller=request.sensitive_caller)


def _whole(found: Converted) -> Schema:
    assert found.schema is not None  # only a refusal lacks it, and that was raised
    return found.schema


def _kept(reference: pa.Table, schema: Schema) -> pa.Table:
    """Features, target, time, id and weights, in reference order: what later steps may read."""
    beside = [n for n in (schema.target, schema.time, schema.id, WEIGHT) if n is not None]
    wanted = list(dict.fromkeys([*schema.names, *beside]))
    return reference.select([n for n in wanted if n in reference.column_names]).replace_schema_metadata(None)


def _profiling(request: PackageRequest) -> str:
    first, stay = request.binning, []
    if first is not None and request.segments and set(request.segments) != set(first.segments):
        stay.append(f"segments ({', '.join(first.segments) or 'none'})")
    if first is not None and request.describe and request.describe != first.describe:
        stay.append(f"profile ({first.describe or 'none'})")
    of_first = f"; of the first version stay {' and '.join(stay)}" if stay else ""
    return f"profiling the reference{of_first}"


def _described(columns: Columns, request: PackageRequest) -> Columns:
    """Describe the reference by the user's function: of a first version it must succeed."""
    function = request.describe if request.binning is None else request.binning.describe
    if not function:
        return {}
    describer = Describer(function, answer_s=DESCRIBE_S)
    found = describer.describe(columns)
    describer.close()
    if request.binning is None and found.errors:
        raise JobFailed(f"profile: {found.errors[0]}")
    return found.columns


def _profile(reference: pa.Table, schema: Schema, scores: Column, request: PackageRequest, staged: Path) -> None:
    columns = countable(features_of(reference, schema.features), schema)
    described = _described(columns, request)
    cuts = with_described(binning_of(columns, schema, scores, request.segments), request.describe, described)
    if request.binning is not None:
        cuts = continued(request.binning, cuts)
    answers = {schema.score: scores, **labels_of(staged, schema)}
    counted = with_missing({**described, **columns, **answers}, cuts)
    (staged / BINNING_FILE).write_bytes(to_json(cuts))
    (staged / PROFILE_FILE).write_bytes(profile_to_json(profile_of(counted, cuts)))
    if cuts.segments:
        (staged / SEGMENTS_FILE).write_bytes(profiles_to_json(parts_of(counted, cuts)))


def _lineage(request: PackageRequest, artifact: Path, rows: int, found: Converted) -> Lineage:
    return Lineage(
        created=request.created,
        reason=request.reason,
        artifact_sha256=provenance.sha256_of(artifact),
        reference_sha256=provenance.sha256_of(request.reference),
        set_sha256=request.set_sha256,
        parent=request.parent,
        trained_since=request.trained_since,
        trained_until=request.trained_until,
        rows=rows,
        packages=provenance.packages(found.packages),
        created_by=request.created_by,
        method=request.method,
        lined_rows=request.lined_rows,
        train=request.train,
        train_sha256=provenance.train_digest(request.train, request.source),
        source=request.source,
        allow=request.allow,
        **provenance.made_with(),
        kept_from=found.kept_from,
    )
