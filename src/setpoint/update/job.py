"""Run a training in a process of its own, kept from all that is none of its business, and bring back what it made."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec

from setpoint.domain.artifact import artifact_of
from setpoint.domain.schema import Schema
from setpoint.domain.update import Method
from setpoint.domain.value import from_json, to_json
from setpoint.errors import JobFailed
from setpoint.ports import FitJob
from setpoint.sandbox.environment import minimal
from setpoint.sandbox.guard import NETWORK, Guard
from setpoint.sandbox.start import command
from setpoint.update.fit import RESULT, FitSpec, Fitted
from setpoint.update.said import Heard, Mask, secrets_of
from setpoint.update.supervise import Ended, Limits, supervise
from setpoint.update.trainers import usual

WORK, CHECKPOINTS, HOME = "work", "checkpoints", "home"
LOG = "fit.log"
MOST_RESULT = 2**20
MOST_WORDS = 2_000
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
    "OMP_WAIT_POLICY": "passive",  # threads that wait leave the core to serving
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


class Cancelled(JobFailed):
    """A person did not want it to go on."""


class Killed(JobFailed):
    """Somebody else ended the process, or the kernel did for want of memory: it may be tried again."""


def run_fit(
    job: FitJob,
    artifact: Path,
    schema: Schema,
    folder: Path,
    *,
    trusted: tuple[str, ...] = (),
    timeout_s: float,
    memory_bytes: int | None = None,
    progress: Callable[[str], None] = lambda line: None,
    cancelled: Callable[[], str] = lambda: "",
) -> Fitted:
    """Train a candidate; its artefact is a file in `folder`/work, or one that the user's own training named.

    The process reads Python, the system, the folder of the artefact, the training set and, for the user's own training,
    the folder of setpoint.yaml. It writes to `folder`/work alone, and has no network and none of the secrets of the
    environment. What the job allows the user's own training lifts that.

    Parameters
    ----------
    artifact : Path
        The parent's own file, checked against its digest; it is not changed.
    folder : Path
        The job's own. What an earlier run has left of checkpoints in it is used.
    timeout_s : float
        After this long the process and all it started are killed.
    memory_bytes : int, optional
        The most the process and all it starts may have; default: four fifths of the machine's.
    progress : callable
        Told each line that the training prints, without secrets and at most 400 characters long.
    cancelled : callable
        Asked from time to time; says who cancelled the training, in words, or nothing.

    Raises
    ------
    Cancelled
        If somebody did.
    Killed
        If it was ended from outside.
    JobFailed
        If the training crashed, hung, refused its data, or left no artefact; the text is written for the user.
    """
    spec = _spec(job, artifact, schema, _work(folder), trusted)
    heard = Heard(folder / LOG, secrets_of(os.environ))
    free = job.may if spec.method is Method.OWN else ()
    try:
        ended = supervise(
            command(_guard(spec, job, free), "setpoint.update.fit", str(folder / WORK / "fit-spec.json")),
            _environment(folder / WORK / HOME, free),
            Limits(timeout_s=timeout_s, memory_bytes=memory_bytes, group=bool(free)),
            heard,
            progress=progress,
            cancelled=cancelled,
        )
    finally:
        heard.close()
    return believed(ended, heard, job, folder / WORK)


def _work(folder: Path) -> Path:
    """Return the folder that the training may write; what a killed run left in it goes, but for checkpoints."""
    work = folder.resolve() / WORK
    work.mkdir(parents=True, exist_ok=True)
    for left in work.iterdir():
        if left.name != CHECKPOINTS:
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    for name in (CHECKPOINTS, HOME):
        (work / name).mkdir(exist_ok=True)
    return work


def _spec(job: FitJob, artifact: Path, schema: Schema, work: Path, trusted: tuple[str, ...]) -> FitSpec:
    spec = FitSpec(
        artifact=str(artifact.resolve()),
        training_set=str(Path(job.training_set).resolve()),
        schema=schema,
        workdir=str(work),
        method=job.method or usual(artifact, job.train),
        checkpoints=str(work / CHECKPOINTS),
        seed=job.seed,
        new_rows=job.new_rows,
        lined_rows=job.lined_rows,
        train=None if job.train is None else str(Path(job.source).resolve() / job.train),
        trusted=trusted,
    )
    (work / "fit-spec.json").write_bytes(to_json(spec, pretty=True))
    return spec


def _guard(spec: FitSpec, job: FitJob, free: tuple[str, ...]) -> Guard:
    """Return what the process may do; the user's own code sees the folder it lies in."""
    own = (str(Path(job.source).resolve()),) if spec.method is Method.OWN else ()
    champion = str(artifact_of(Path(spec.artifact)).file.parent)
    return Guard(read=(champion, spec.training_set, *own), write=spec.workdir, bound=True, free=free)


def _environment(home: Path, free: tuple[str, ...]) -> dict[str, str]:
    processes = {"JOBLIB_MULTIPROCESSING": "1"} if NETWORK in free else {}
    return {**minimal(os.environ, str(home)), **ENVIRONMENT, **processes}


def believed(ended: Ended, heard: Heard, job: FitJob, work: Path) -> Fitted:
    """Return the result of a training that ended well; nothing that it left is believed unseen.

    Raises
    ------
    Cancelled, Killed, JobFailed
        As `run_fit` does.
    """
    if ended.stopped.startswith("cancelled"):
        raise Cancelled(f"the training was {ended.stopped}")
    if ended.stopped:
        raise JobFailed(f"the training {ended.stopped}")
    result = work / RESULT
    if not result.is_file() or result.is_symlink():
        kind = Killed if -ended.code in FROM_OUTSIDE else JobFailed
        words = f"{heard.last_words}; was it out of memory?" if -ended.code == signal.SIGKILL else heard.last_words
        raise kind(f"training {job.id} {_how(ended.code)}: {words}")
    if result.stat().st_size > MOST_RESULT:
        raise JobFailed(f"training {job.id} left a result of {result.stat().st_size:,} bytes; it was not believed")
    try:
        fitted = from_json(result.read_bytes(), Fitted)
    except msgspec.MsgspecError as e:
        raise JobFailed(f"training {job.id} left a result that cannot be read: {e}") from e
    if fitted.error is not None or fitted.artifact is None:
        raise JobFailed(f"training {job.id} failed: {_words(fitted)}")
    _check_artifact(Path(fitted.artifact), job, work)
    return fitted


def _check_artifact(made: Path, job: FitJob, work: Path) -> None:
    """Refuse what is not there, and what lies elsewhere than where a training may write or its author keeps things."""
    file = artifact_of(made).file
    if not file.exists() or (file.is_file() and file.stat().st_size == 0):
        raise JobFailed(f"training {job.id} left no artefact at {made}")
    allowed = [work, *([Path(job.source).resolve()] if job.source else [])]
    if not any(file.resolve().is_relative_to(folder) for folder in allowed):
        raise JobFailed(
            f"training {job.id} named {made}, which lies outside its folder; write the model into the folder that it "
            "runs in"
        )


def _words(fitted: Fitted) -> str:
    """Return an error without secrets, line by line, and not longer than is read."""
    lines = map(Mask(secrets_of(os.environ)), str(fitted.error)[:MOST_WORDS].splitlines())
    return "\n".join(line for line in lines if line)


def _how(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}" if code else "ended its process before it returned a model"
