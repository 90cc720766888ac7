"""Look at a model file and its reference, and write a commented setpoint.yaml for them: what `setpoint init` prints."""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from setpoint.deploy.answers import Judged, judged
from setpoint.deploy.importers import framework_of
from setpoint.deploy.job import SCORED, Assessed, Job, assess
from setpoint.deploy.mlflow_folder import NOT_LOGGED, Logged
from setpoint.deploy.sources import MLFLOW
from setpoint.domain.artifact import artifact_of
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """What a model says of itself, and how it does: outcomes and answers of rows in time order."""

    found: Assessed
    schema: Schema
    judged: Judged


def first_look(
    artifact: Path,
    reference: Path,
    *,
    target: str | None = None,
    time: str | None = None,
    id: str | None = None,
    output: str | None = None,
    task: Task | None = None,
    trusted: tuple[str, ...] = (),
    logged: Logged = NOT_LOGGED,
    timeout_s: float = 600.0,
    memory_bytes: int | None = None,
) -> FirstLook:
    """Load the model in a process of its own, guess what was not said, and score it as honestly as can be.

    Parameters
    ----------
    artifact, reference : Path
        The model file, scanned by the caller (who passes what the scan returned as `trusted`, and what MLflow kept with
        it as `logged`), and its reference table.
    target, time, id : str, optional
        Columns of the reference; guessed where only one can be meant.
    output : str, optional
        What the model calls the output that predicts the target, where it has several.
    task : Task, optional
        Default: what the model is made for.

    Raises
    ------
    InvalidInput
        If the files cannot be read, or the target cannot be told; the text lists the candidates.
    """
    framework = framework_of(artifact)
    if not reference.is_file():
        raise InvalidInput(f"there is no reference table at {reference}")
    with tempfile.TemporaryDirectory(prefix="setpoint-assess-") as out:
        job = Job(
            artifact=str(artifact.resolve()),
            framework=framework,
            reference=str(reference.resolve()),
            out=out,
            target=target or "",
            task=task,
            time=time,
            id=id,
            output=output,
            trusted=trusted,
            logged=logged,
        )
        found = assess(job, timeout_s, memory_bytes)
        truth, score, *several = np.load(Path(out) / SCORED)
    assert found.schema is not None  # only a refusal lacks it, and that was raised
    table = np.stack(several, axis=1).astype(np.float32) if several else None
    return FirstLook(found=found, schema=found.schema, judged=judged(truth, score, table))


def setpoint_text(
    schema: Schema, *, model: str, artifact: Path, reference: Path, base: Path, objectives: Sequence[str], segments: str
) -> str:
    """Return the text of a setpoint.yaml, each key explained.

    Parameters
    ----------
    model : str
        Name of the model; empty: that of its file.
    base : Path
        Folder the file will stand in; paths inside it are written relative to it.
    objectives : sequence of str
        The lines under `objectives:`.
    segments : str
        The line about them.
    """
    name = model or _slug(artifact_of(artifact).file.stem)
    return "\n".join(
        [
            "# What Setpoint is to hold for this model. Paths are relative to this file.",
            f"model: {name}",
            *_artifact_lines(artifact, base),
            f"task: {schema.task}{'':<12}# what the model answers: binary | multiclass | regression",
            f"reference: {_scalar(_written(reference, base))}"
            "  # rows it was trained or validated on: schema, profiles, drift limits",
            f"target: {_scalar(schema.target)}  # the column it predicts",
            _column_line("time", schema.time, "event time of a row; without it, arrival time counts"),
            _column_line("id", schema.id, "joins outcomes that come later; without it, the request id counts"),
            *_output_lines(schema),
            "",
            "objectives:  # the set point: what must hold, over which window",
            *objectives,
            "",
            segments,
            "# outcome_delay: 1d  # how long after a row its outcome is known; for `setpoint replay`",
            "# train: train.py:fit  # your own training; default: refit a clone (scikit-learn), continue (Keras)",
            "# allow: [package.module.Type]  # types a saved model may hold beyond the known safe ones",
            "",
            "envelope:  # what may happen without a person; move an action to `ask` to approve it each time",
            "  automatic: [restart, isolate, rollback, fallback, inverse_map, map_levels, hold, retrain, promote]",
            "  ask: []",
            "  max_actions_per_day: 6",
            "  false_actions_per_year: 2  # how many needless actions a year you accept; smaller means slower to act",
            "",
        ]
    )


def _artifact_lines(artifact: Path, base: Path) -> Iterator[str]:
    given = artifact_of(artifact)
    whole = artifact if given.is_code else given.file
    yield f"artifact: {_scalar(_written(whole, base))}  # the trained model"
    if given.code and not given.is_code:
        yield f"factory: {_scalar(f'{given.code.name}:{given.entry}')}  # returns the untrained network"


def _output_lines(schema: Schema) -> list[str]:
    if schema.own_output is None:
        return []
    return [f"output: {_scalar(schema.own_output)}  # of the model's outputs, the one that predicts the target"]


def _column_line(key: str, column: str | None, meaning: str) -> str:
    return f"{key}: {_scalar(column)}  # {meaning}" if column else f"# {key}: column  # {meaning}"


def _written(path: Path, base: Path) -> str:
    if str(path).startswith(MLFLOW):
        return str(path)
    inside = path.resolve().is_relative_to(base)
    return os.path.relpath(path.resolve(), base) if inside else str(path.resolve())


def _scalar(text: str) -> str:
    """Write a text so that YAML reads it back as this very text."""
    return yaml.safe_dump(text, width=10_000, allow_unicode=True).removesuffix("\n").removesuffix("\n...")


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-._")[:64] or "model"
