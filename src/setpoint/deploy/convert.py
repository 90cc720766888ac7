"""`python -m setpoint.deploy.convert JOB.json`: load a model, convert it, prove it, time it, write what was found.

It runs in a process of its own, because converters patch global state, may crash and may hang.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from setpoint.deploy.answers import CLASSES_FILE, SCORES_FILE, table_of
from setpoint.deploy.choice import choose, choose_untimed
from setpoint.deploy.importers import Importer, Signature, importer_for, load
from setpoint.deploy.job import RESULT, Converted, Job, words
from setpoint.deploy.metrics import reference_metrics
from setpoint.deploy.mlflow_folder import Logged, with_names
from setpoint.deploy.reference import features_of, read_reference, target_of
from setpoint.deploy.schema import infer_schema, suspects
from setpoint.deploy.timing import measure
from setpoint.deploy.tried import NATIVE, ONNX, Exam, Tried, converted, quantised, threaded
from setpoint.domain.records import Columns
from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import from_json, to_json
from setpoint.errors import InvalidInput, SetpointError
from setpoint.runtime import Model
from setpoint.runtime.model import ONNX_FILE
from setpoint.runtime.onnx import OnnxModel
from setpoint.sandbox.guard import kept_from

SUM_TOLERANCE = 1e-3  # of the probabilities of a row


def convert(job: Job) -> Converted:
    """Do the job; model.onnx and the native answers to all reference rows appear in its folder."""
    importer = importer_for(job.framework)
    native = load(importer, Path(job.artifact), job.trusted, job.schema.own_output if job.schema else job.output)
    reference = read_reference(Path(job.reference))
    said = with_names(importer.signature(native), job.logged)
    schema = _followed(job.schema, said) or _schema(job, said, reference)
    columns = features_of(reference, schema.features)
    model = importer.served(native, schema, job.threshold)
    _answer_example(model, job.logged, schema)
    answers = _native_answers(model, columns, schema, said.end)
    scores = answers[schema.score]
    np.save(Path(job.out) / SCORES_FILE, scores)
    if schema.task is Task.MULTICLASS:
        np.save(Path(job.out) / CLASSES_FILE, table_of(answers, schema))
    exam = Exam(
        columns=columns,
        truth=target_of(reference, schema),
        answers=answers,
        native=model,
        schema=schema,
        threshold=job.threshold,
        hidden=job.hidden,
    )
    tried = _ways(importer, native, exam, timed=job.timed)
    if job.timed:
        variants = choose(tried, measure([t.model for t in tried], columns), schema.task, job.latency_us)
    else:
        variants = choose_untimed(tried, schema.task)
    chosen = next(t for t, v in zip(tried, variants, strict=True) if v.chosen)
    raw = chosen.raw or next((t.raw for t in tried if t.right and t.raw), b"")
    if raw:
        (Path(job.out) / ONNX_FILE).write_bytes(raw)
    return Converted(
        schema=schema,
        variants=variants,
        packages=importer.packages(),
        kept_from=kept_from(),
        metrics=reference_metrics(exam.truth, answers, schema, job.threshold),
    )


def _ways(importer: Importer, native: Any, exam: Exam, *, timed: bool) -> list[Tried]:
    """Return the ways of running the model, right or not; those that only speed may choose where it is measured."""
    if isinstance(exam.native, OnnxModel):  # the file is ONNX: nothing else runs it
        raw = importer.to_onnx(native, exam.schema)
        return [Tried(runtime=ONNX, precision="as trained", model=exam.native, raw=raw)]
    itself = Tried(runtime=NATIVE, precision="as trained", model=exam.native)
    try:
        plain = converted(importer.to_onnx(native, exam.schema), exam)
    except InvalidInput as e:  # there is no such form of it, on purpose
        return [itself, Tried(runtime=ONNX, precision="fp32", failed=str(e))]
    except Exception as e:  # converters fail in every way there is, and onnxruntime's own errors share no base class
        return [itself, Tried(runtime=ONNX, precision="fp32", failed=f"conversion failed. {words(e)}")]
    others = [threaded(plain, exam), quantised(plain, exam)] if plain.right and timed else []
    return [itself, plain, *(t for t in others if t is not None)]


def _followed(schema: Schema | None, said: Signature) -> Schema | None:
    """Return the schema that a candidate has from its parent; its classes must be the same, in the same order."""
    if schema is not None and said.classes and said.classes != schema.classes:
        raise InvalidInput(
            f"the model's classes are {list(said.classes)}, those of the version it is to follow "
            f"{list(schema.classes)}; train it on rows of each of these"
        )
    return schema


def _schema(job: Job, said: Signature, reference: pa.Table) -> Schema:
    task = job.task or said.task
    if task is None:
        raise InvalidInput(
            "the model does not say whether it classifies; write `task: binary`, `task: multiclass` or "
            "`task: regression`"
        )
    if said.task is not None and said.task is not task:
        raise InvalidInput(
            f"the setpoint file says task {task}, and the model is made for {said.task}{_hint(task, said)}"
        )
    return infer_schema(
        reference,
        target=job.target,
        task=task,
        time=job.time,
        id=job.id,
        model_features=said.names,
        width=said.width,
        classes=said.classes,
        tensors=said.tensors,
        n_classes=said.n_classes,
        own_output=job.output,
    )


def _hint(task: Task, said: Signature) -> str:
    logits = said.task is Task.REGRESSION and task is not Task.REGRESSION
    return ". If it gives logits, end it with a sigmoid or a softmax, so that it gives probabilities" if logits else ""


def _answer_example(model: Model, logged: Logged, schema: Schema) -> None:
    """Have the model answer the rows that MLflow kept with it, if they have its inputs."""
    if not set(schema.names) <= set(logged.example):
        return
    try:
        model.predict(features_of(pa.table({n: pa.array(logged.example[n]) for n in schema.names}), schema.features))
    except Exception as e:  # the model's own code
        raise InvalidInput(f"the model cannot answer the input example that MLflow kept with it: {words(e)}") from e


def _native_answers(model: Model, columns: Columns, schema: Schema, end: str) -> Columns:
    try:
        answers = model.predict(columns)
        scores = answers[schema.score]
    except Exception as e:  # the model's own code
        raise InvalidInput(f"the model cannot answer the reference rows: {words(e)}{suspects(schema)}") from e
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise InvalidInput(
            f"the model answers {scores[row]} for row {row} of the reference; every row must have a number"
        )
    if schema.task is not Task.REGRESSION and (scores.min() < -1e-6 or scores.max() > 1 + 1e-6):
        instead = "a sigmoid, or write `task: regression`" if schema.task is Task.BINARY else "a softmax"
        raise InvalidInput(
            f"task {schema.task} needs probabilities, and the model{f' (its last step: {end})' if end else ''} answers "
            f"{scores.min():.3g} to {scores.max():.3g} on the reference; end it with {instead}"
        )
    _check_sums(answers, schema)
    return answers


def _check_sums(answers: Columns, schema: Schema) -> None:
    sums = np.sum([answers[name] for name in schema.probabilities], axis=0) if schema.probabilities else np.ones(1)
    row = int(np.abs(sums - 1).argmax())
    if not abs(sums[row] - 1) <= SUM_TOLERANCE:
        raise InvalidInput(
            f"the probabilities of the classes sum to {sums[row]:.4g} in row {row} of the reference, not to 1: one row "
            "has one class here; end the model with a softmax"
        )


def main(path: Path) -> None:
    """Read the job, do it, and write result.json, refusals included."""
    job = from_json(path.read_bytes(), Job)
    try:
        found = convert(job)
    except SetpointError as e:
        found = Converted(error=str(e), kind=type(e).__name__)
    (Path(job.out) / RESULT).write_bytes(to_json(found))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
