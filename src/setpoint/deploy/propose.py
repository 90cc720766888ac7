"""Write a commented setpoint.yaml for a model file and a reference table: what `setpoint init` prints."""

import math
import os
import re
import tempfile
from pathlib import Path

import yaml

from setpoint.config import SECONDS, duration
from setpoint.deploy.importers import framework_of
from setpoint.deploy.job import Assessed, Job, assess
from setpoint.deploy.metrics import headline
from setpoint.domain.schema import Schema, Task
from setpoint.errors import InvalidInput

ROWS_A_WINDOW = 300  # fewer say little about a mean
WINDOWS_S = tuple(n * SECONDS["h"] for n in (1, 6, 12)) + tuple(
    n * SECONDS["d"] for n in (1, 2, 7, 14, 28, 91, 182, 364)
)
DEFAULT_WINDOW_S = 7 * SECONDS["d"]
SLACK = 0.2  # room left below (above) the measured quality


def propose(
    artifact: Path,
    reference: Path,
    *,
    target: str | None = None,
    time: str | None = None,
    id: str | None = None,
    task: Task | None = None,
    model: str | None = None,
    trusted: tuple[str, ...] = (),
    root: Path | None = None,
    timeout_s: float = 600.0,
) -> str:
    """Return the text of a setpoint.yaml, each key explained, each proposed bound with what was measured.

    Parameters
    ----------
    artifact, reference : Path
        The model file, scanned by the caller (who passes what the scan returned as `trusted`), and its reference table.
    target, time, id : str, optional
        Columns of the reference; guessed where only one can be meant.
    task : Task, optional
        Default: what the model is made for.
    model : str, optional
        Name of the model; default: that of its file.
    root : Path, optional
        Folder the file will stand in; paths inside it are written relative to it. Default: the current one.

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
            trusted=trusted,
        )
        found = assess(job, timeout_s)
    base = (root or Path()).resolve()
    return _text(found, model or _slug(artifact.stem), _written(artifact, base), _written(reference, base))


def window_s(rows: int, seconds: float) -> float:
    """Return the shortest usual window that holds `ROWS_A_WINDOW` rows at the reference's own rate."""
    if seconds <= 0:
        return DEFAULT_WINDOW_S
    needed = ROWS_A_WINDOW * seconds / max(rows, 1)
    return next((w for w in WINDOWS_S if w >= needed), WINDOWS_S[-1])


def bound(metric: str, measured: float) -> str:
    """Return `at_most: …` or `at_least: …`, a fifth looser than measured, in three digits.

    An error may be a fifth larger; an AUC may lose a fifth of what it has above one half.
    """
    if metric == "mae":
        return f"at_most: {_digits(measured * (1 + SLACK), up=True)}"
    return f"at_least: {_digits(0.5 + (measured - 0.5) * (1 - SLACK), up=False)}"


def _text(found: Assessed, model: str, artifact: str, reference: str) -> str:
    schema = found.schema
    assert schema is not None  # only a refusal lacks it, and that was raised
    return "\n".join(
        [
            "# What Setpoint is to hold for this model. Paths are relative to this file.",
            f"model: {model}",
            f"task: {schema.task}{'':<12}# what the model answers: binary | regression",
            f"artifact: {_scalar(artifact)}  # the trained model",
            f"reference: {_scalar(reference)}  # rows it was trained or validated on: schema, profiles, drift limits",
            f"target: {_scalar(schema.target)}  # the column it predicts",
            _column_line("time", schema.time, "event time of a row; without it, arrival time counts"),
            _column_line("id", schema.id, "joins outcomes that come later; without it, the request id counts"),
            "",
            *_objectives(found, schema),
            "",
            "# segments: [column]  # features by whose values records are counted apart as well",
            "# outcome_delay: 1d  # how long after a row its outcome is known; for `setpoint replay`",
            "# train: train.py:fit  # your own training; default: refit a clone (scikit-learn), continue (Keras)",
            "# allow: [package.module.Type]  # types a saved model may hold beyond the known safe ones",
            "",
            "envelope:  # what may happen without a person; move an action to `ask` to approve it each time",
            "  automatic: [restart, rollback, inverse_map, retrain, promote]",
            "  ask: []",
            "  max_actions_per_day: 6",
            "  false_actions_per_year: 2  # how many needless actions a year you accept; smaller means slower to act",
            "",
        ]
    )


def _objectives(found: Assessed, schema: Schema) -> list[str]:
    metric = "mae" if schema.task is Task.REGRESSION else "roc_auc"
    window = window_s(found.rows, found.seconds)
    measured = found.metrics.get(metric)
    lines = ["objectives:  # the set point: what must hold, over which window"]
    if measured is not None:
        lines += [
            f"  # measured: {', '.join(f'{name} {value:.4g}' for name, value in headline(found.metrics).items())}",
            f"  # ({_one_line(found.how)})",
            f"  - {{metric: {metric}, {bound(metric, measured)}, window: {duration(window)}}}",
        ]
    day = duration(SECONDS["d"])
    return [
        *lines,
        f"  - {{metric: latency_p99_ms, at_most: 50, window: {day}}}  # 99 of 100 answers within this time",
        f"  - {{metric: availability, at_least: 0.999, window: {day}}}  # share of valid requests that are answered",
    ]


def _column_line(key: str, column: str | None, meaning: str) -> str:
    return f"{key}: {_scalar(column)}  # {meaning}" if column else f"# {key}: column  # {meaning}"


def _digits(number: float, *, up: bool) -> str:
    """Write three digits, rounded to the looser side."""
    if number == 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - 2)
    return f"{(math.ceil if up else math.floor)(number / unit) * unit:.10g}"


def _written(path: Path, base: Path) -> str:
    inside = path.resolve().is_relative_to(base)
    return os.path.relpath(path.resolve(), base) if inside else str(path.resolve())


def _scalar(text: str) -> str:
    """Write a text so that YAML reads it back as this very text."""
    return yaml.safe_dump(text, width=10_000, allow_unicode=True).removesuffix("\n").removesuffix("\n...")


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-._")[:64] or "model"


def _one_line(text: str) -> str:
    return " ".join(text.split())
