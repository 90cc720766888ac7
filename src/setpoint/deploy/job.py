"""The conversion as a job in a process of its own: what it is asked, what it answers, how it is run."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

from setpoint.deploy.mlflow_folder import NOT_LOGGED, Logged
from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import field, from_json, to_json, value
from setpoint.domain.version import Variant
from setpoint.errors import InvalidInput, JobFailed, SetpointError, Unusable

RESULT = "result.json"
SCORES = "scores.npy"
SCORED = "scored.npy"  # outcomes and answers of the rows that a first look scored, shape (2, n)
Answer = TypeVar("Answer", "Converted", "Assessed")
ERRORS: dict[str, type[SetpointError]] = {"InvalidInput": InvalidInput, "Unusable": Unusable}


@value
class Job:
    """What to convert. Paths are absolute; `out` is a folder. Without `schema` one is inferred from the reference.

    `task` None: what the model says. `trusted` are types that the scan found and the user allowed. `logged` is what
    MLflow kept with the model.
    """

    artifact: str
    framework: str
    reference: str
    out: str
    target: str
    task: Task | None = None
    time: str | None = None
    id: str | None = None
    schema: Schema | None = None
    threshold: float = 0.5
    trusted: tuple[str, ...] = ()
    logged: Logged = NOT_LOGGED


@value
class Converted:
    """What the job found; `error` and `kind` are set when it could not go on."""

    schema: Schema | None = None
    variants: tuple[Variant, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    error: str = ""
    kind: str = ""


@value
class Assessed:
    """What a first look found: the schema, metrics and in words how they were measured, rows and the time they span."""

    schema: Schema | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    how: str = ""
    rows: int = 0
    seconds: float = 0.0
    error: str = ""
    kind: str = ""


def _run(module: str, job: Path, out: Path, timeout_s: float) -> bytes:
    """Run `python -m module job` and return its result file.

    Raises
    ------
    JobFailed
        If it took too long, was killed, or wrote no result; the text ends with its own last words.
    """
    what = module.rpartition(".")[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, str(job)], capture_output=True, text=True, timeout=timeout_s, env=environment
        )
    except subprocess.TimeoutExpired as e:
        raise JobFailed(
            f"the {what} job took longer than {timeout_s:g} s and was stopped (SETPOINT_JOB_TIMEOUT_S)"
        ) from e
    result = out / RESULT
    if done.returncode != 0 or not result.is_file():
        raise JobFailed(f"the {what} job ended with exit code {done.returncode}: {_last_words(done.stderr)}")
    return result.read_bytes()


def convert(job: Job, timeout_s: float) -> Converted:
    """Run the conversion job and return what it found; its refusals are raised as they were meant.

    Raises
    ------
    InvalidInput, Unusable, JobFailed
    """
    return _asked("setpoint.deploy.convert", job, timeout_s, Converted)


def assess(job: Job, timeout_s: float) -> Assessed:
    """Run a first look at the model and return what it found.

    Raises
    ------
    InvalidInput, Unusable, JobFailed
    """
    return _asked("setpoint.deploy.assess", job, timeout_s, Assessed)


def _asked(module: str, job: Job, timeout_s: float, kind: type[Answer]) -> Answer:
    out = Path(job.out)
    spec = out / "job.json"
    spec.write_bytes(to_json(job))
    found = from_json(_run(module, spec, out, timeout_s), kind)
    if found.error:
        raise ERRORS.get(found.kind, JobFailed)(found.error)
    return found


def words(error: BaseException) -> str:
    """Return the first line of an error, cut to a length that people read."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first[:280]}{'…' if len(first) > 280 else ''}"


def _last_words(stderr: str) -> str:
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    return said[-1][:400] if said else "it said nothing; was it killed for memory?"
