"""The conversion as a job in a process of its own: what it is asked, what it answers, how it is run."""

import signal
from pathlib import Path
from typing import TypeVar

from setpoint.deploy.mlflow_folder import NOT_LOGGED, Logged
from setpoint.domain.artifact import artifact_of
from setpoint.domain.schema import Schema, Task
from setpoint.domain.value import field, from_json, to_json, value
from setpoint.domain.version import Variant
from setpoint.errors import InvalidInput, JobFailed, SetpointError, Unusable
from setpoint.sandbox.guard import hint
from setpoint.sandbox.start import run

RESULT = "result.json"
MOST_RESULT = 256 * 2**20
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # measured as it will be served
}
SCORED = "scored.npy"  # target, score and table of classes of the rows that a first look scored, shape (2 + m, n)
Answer = TypeVar("Answer", "Converted", "Assessed")
ERRORS: dict[str, type[SetpointError]] = {"InvalidInput": InvalidInput, "Unusable": Unusable}


@value
class Job:
    """What to convert. Paths are absolute; `out` is a folder. Without `schema` one is inferred from the reference.

    `task` None: what the model says. `latency_us`: what the objectives ask of one answer. `trusted` are types that the
    scan found and the user allowed. `hidden` are features whose values are told nobody. `logged` is what MLflow kept
    with the model. `output` is what the model calls the output that predicts the target, of several. Not `timed`, the
    way of running it does not hang on how fast this machine is just now.
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
    latency_us: float | None = None
    hidden: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    logged: Logged = NOT_LOGGED
    output: str | None = None
    timed: bool = True


@value
class Converted:
    """What the job found; `error` and `kind` are set when it could not go on."""

    schema: Schema | None = None
    variants: tuple[Variant, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    kept_from: tuple[str, ...] = ()
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


def _run(module: str, job: Job, spec: Path, timeout_s: float, memory_bytes: int | None) -> bytes:
    """Run `python -m module spec` in a sandbox and return its result file.

    Raises
    ------
    JobFailed
        If it took too long or too much, was killed, or wrote no result; the text ends with its own last words.
    """
    what, out, model = module.rpartition(".")[2], Path(job.out), artifact_of(Path(job.artifact))
    ended = run(
        module,
        [str(spec)],
        read=[model.code.parent if model.code else model.file, Path(job.reference)],
        folder=out,
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        environment=ENVIRONMENT,
    )
    result = out / RESULT
    if ended.stopped:
        raise JobFailed(f"the {what} job {ended.stopped}")
    if ended.code != 0 or not result.is_file():
        raise JobFailed(f"the {what} job {_how(ended.code, ended.said)}")
    if any(file.is_symlink() for file in out.iterdir()) or result.stat().st_size > MOST_RESULT:
        raise JobFailed(f"the {what} job left links or too long a result, which no model should; it was not believed")
    return result.read_bytes()


def convert(job: Job, timeout_s: float, memory_bytes: int | None = None) -> Converted:
    """Run the conversion job and return what it found; its refusals are raised as they were meant.

    Raises
    ------
    InvalidInput, Unusable, JobFailed
    """
    return _asked("setpoint.deploy.convert", job, timeout_s, memory_bytes, Converted)


def assess(job: Job, timeout_s: float, memory_bytes: int | None = None) -> Assessed:
    """Run a first look at the model and return what it found.

    Raises
    ------
    InvalidInput, Unusable, JobFailed
    """
    return _asked("setpoint.deploy.assess", job, timeout_s, memory_bytes, Assessed)


def _asked(module: str, job: Job, timeout_s: float, memory_bytes: int | None, kind: type[Answer]) -> Answer:
    spec = Path(job.out) / "job.json"
    spec.write_bytes(to_json(job))
    found = from_json(_run(module, job, spec, timeout_s, memory_bytes), kind)
    if found.error:
        raise ERRORS.get(found.kind, JobFailed)(found.error)
    return found


def words(error: BaseException) -> str:
    """Return the first line of an error, cut to a length that people read."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first[:280]}{'…' if len(first) > 280 else ''}{hint(error)}"


def _how(code: int, said: str) -> str:
    if code in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS):
        return (
            f"was killed by {signal.Signals(-code).name}, which a damaged model file can bring a library to; save the "
            "model again, with the versions that are installed here"
        )
    return f"ended with exit code {code}: {_last_words(said)}"


def _last_words(stderr: str) -> str:
    said = [line.strip() for line in stderr.splitlines() if line.strip() and "[W:onnxruntime" not in line]
    return said[-1][:400] if said else "it said nothing; was it killed for memory?"
