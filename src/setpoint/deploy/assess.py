"""`python -m setpoint.deploy.assess JOB.json`: what a model says of itself, and how well it does."""

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.deploy.answers import table_of
from setpoint.deploy.guess import guess_id, guess_target, guess_time
from setpoint.deploy.importers import Importer, Signature, importer_for, load
from setpoint.deploy.job import RESULT, SCORED, Assessed, Job, words
from setpoint.deploy.metrics import reference_metrics
from setpoint.deploy.mlflow_folder import with_names
from setpoint.deploy.reference import features_of, read_reference, target_of
from setpoint.deploy.schema import infer_schema, suspects
from setpoint.deploy.spelling import spelled
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import from_json, to_json
from setpoint.errors import InvalidInput, SetpointError
from setpoint.runtime import Model

HELD_OUT = 0.2  # of the reference rows, the last
MIN_HELD_OUT = 50
MAX_ROWS = 50_000  # of each side


def assess(job: Job) -> Assessed:
    """Load the model, guess what was not said, and score it as honestly as the reference allows."""
    importer = importer_for(job.framework)
    native = load(importer, Path(job.artifact), job.trusted, job.output)
    reference = read_reference(Path(job.reference))
    schema = _schema(job, with_names(importer.signature(native), job.logged), reference)
    ordered = reference.sort_by(schema.time) if schema.time else reference
    seconds = _seconds(ordered.column(schema.time)) if schema.time else 0.0
    truth, answers, how = _answer(importer, native, ordered, schema)
    known = np.isfinite(truth)
    several = table_of(answers, schema).T if schema.task is Task.MULTICLASS else ()
    np.save(Path(job.out) / SCORED, np.stack([truth, answers[schema.score], *several])[:, known])
    metrics = reference_metrics(truth, answers, schema, job.threshold)
    return Assessed(schema=schema, metrics=metrics, how=how, rows=reference.num_rows, seconds=seconds)


def _schema(job: Job, said: Signature, reference: pa.Table) -> Schema:
    named = {n for n in (job.target, job.time, job.id) if n}
    inputs = set(spelled(said.names or (), reference.column_names))
    time = job.time or guess_time(reference, inputs | named)
    id_ = job.id or guess_id(reference, inputs | named | {time or ""})
    target = job.target or guess_target(reference, said, inputs | {n for n in (time, id_) if n})
    return infer_schema(
        reference,
        target=target,
        task=job.task or said.task or _task_of(reference, target),
        time=time,
        id=id_,
        model_features=said.names,
        width=said.width,
        classes=said.classes,
        tensors=said.tensors,
        n_classes=said.n_classes,
        own_output=job.output,
    )


def _task_of(reference: pa.Table, target: str) -> Task:
    if target not in reference.column_names:
        return Task.REGRESSION  # the schema's own error lists the columns
    values = reference.column(target)
    if pc.count_distinct(values).as_py() == 2:
        return Task.BINARY
    return Task.MULTICLASS if pa.types.is_string(values.type) else Task.REGRESSION


def _answer(importer: Importer, native: Any, ordered: pa.Table, schema: Schema) -> tuple[Column, Columns, str]:
    """Return outcomes and answers of rows, as honest ones as the reference allows, and which they are."""
    cut = int(ordered.num_rows * (1 - HELD_OUT))
    early, late = ordered.slice(max(0, cut - MAX_ROWS), min(cut, MAX_ROWS)), ordered.slice(cut, MAX_ROWS)
    try:
        if late.num_rows < MIN_HELD_OUT:
            raise InvalidInput(f"the last fifth of the reference has only {late.num_rows} rows")
        copy = importer.refit(native, features_of(early, schema.features), target_of(early, schema), schema)
        answers = _answers(importer.served(copy, schema, 0.5), late, schema)
    except Exception as e:  # the model's own code
        whole = ordered.slice(0, MAX_ROWS)
        answers = _answers(importer.served(native, schema, 0.5), whole, schema)
        return (
            target_of(whole, schema),
            answers,
            f"the model itself on the reference, which flatters it if it was trained on these rows. {e}",
        )
    order = "" if schema.time else " in the table"
    how = f"a copy refitted on {early.num_rows:,} rows, scored on the {late.num_rows:,} that follow{order}"
    return target_of(late, schema), answers, how


def _answers(model: Model, rows: pa.Table, schema: Schema) -> Columns:
    try:
        return model.predict(features_of(rows, schema.features))
    except Exception as e:  # the model's own code
        raise InvalidInput(f"the model cannot answer the reference rows: {words(e)}{suspects(schema)}") from e


def _seconds(times: pa.ChunkedArray) -> float:
    stamps = np.sort(np.array(times.cast(pa.timestamp("us")).drop_null(), dtype="datetime64[us]"))
    return float((stamps[-1] - stamps[0]) / np.timedelta64(1, "s")) if len(stamps) else 0.0


def main(path: Path) -> None:
    """Read the job, do it, and write result.json, refusals included."""
    job = from_json(path.read_bytes(), Job)
    try:
        found = assess(job)
    except SetpointError as e:
        found = Assessed(error=str(e), kind=type(e).__name__)
    (Path(job.out) / RESULT).write_bytes(to_json(found))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
