"""Run a training in a process of its own, and bring back an artefact or one clear reason."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from setpoint.domain.artifact import artifact_of
from setpoint.domain.schema import Schema
from setpoint.domain.value import from_json, to_json
from setpoint.errors import JobFailed
from setpoint.ports import FitJob
from setpoint.sandbox.watch import Watch, kill_group
from setpoint.update.fit import RESULT, FitSpec, Fitted
from setpoint.update.trainers import usual

CHECKPOINTS = "checkpoints"
LOG = "fit.log"
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
    "OMP_WAIT_POLICY": "passive",  # threads that wait leave the core to serving
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


def run_fit(
    job: FitJob,
    artifact: Path,
    schema: Schema,
    workdir: Path,
    *,
    trusted: tuple[str, ...] = (),
    timeout_s: float,
    memory_bytes: int | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Fitted:
    """Train a candidate; its artefact is a file in `workdir` unless the user's own training wrote it elsewhere.

    Parameters
    ----------
    artifact : Path
        The parent's own file, checked against its digest; it is not changed.
    timeout_s : float
        After this long the process and all it started are killed.
    memory_bytes : int, optional
        The most the process and all it starts may have; default: four fifths of the machine's.
    progress : callable
        Told each line that the training prints.

    Raises
    ------
    JobFailed
        If the training crashed, hung, refused its data, or left no artefact; the text is written for the user.
    """
    checkpoints = workdir / CHECKPOINTS
    checkpoints.mkdir(parents=True, exist_ok=True)
    (workdir / RESULT).unlink(missing_ok=True)
    spec = FitSpec(
        artifact=str(artifact.resolve()),
        training_set=str(Path(job.training_set).resolve()),
        schema=schema,
        workdir=str(workdir.resolve()),
        method=job.method or usual(artifact, job.train),
        checkpoints=str(checkpoints.resolve()),
        seed=job.seed,
        new_rows=job.new_rows,
        train=None if job.train is None else str(Path(job.source).resolve() / job.train),
        trusted=trusted,
    )
    (workdir / "fit-spec.json").write_bytes(to_json(spec, pretty=True))
    code = _run(workdir, timeout_s, memory_bytes, progress)
    if not (workdir / RESULT).exists():
        raise JobFailed(f"training {job.id} {_ended(code)}: {_last_words(workdir / LOG)}")
    result = from_json((workdir / RESULT).read_bytes(), Fitted)
    if result.error is not None or result.artifact is None:
        raise JobFailed(f"training {job.id} failed: {result.error}")
    made = Path(result.artifact)
    file = artifact_of(made).file
    if not file.exists() or file.stat().st_size == 0:
        raise JobFailed(f"training {job.id} left no artefact at {made}")
    return result


def _run(workdir: Path, timeout_s: float, memory_bytes: int | None, progress: Callable[[str], None]) -> int:
    """Run the job in a session of its own and return its exit code; JobFailed when it takes too long or too much."""
    command = [sys.executable, "-m", "setpoint.update.fit", str(workdir / "fit-spec.json")]
    environment = {**os.environ, **ENVIRONMENT}
    expired = threading.Event()
    with (workdir / LOG).open("wb") as log, subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, start_new_session=True
    ) as process:  # fmt: skip
        assert process.stdout is not None

        def stop() -> None:
            expired.set()
            kill_group(process.pid)

        watch = Watch(process.pid, memory_bytes, group=True)
        timer = threading.Timer(timeout_s, stop)
        timer.start()
        try:
            for line in process.stdout:
                progress(line.rstrip())
            code = process.wait()
        finally:
            timer.cancel()
            watch.close()
            kill_group(process.pid)
    if watch.why:
        raise JobFailed(f"the training {watch.why}")
    if expired.is_set():
        raise JobFailed(f"the training took longer than {timeout_s:g} s and was stopped (SETPOINT_JOB_TIMEOUT_S)")
    return code


def _ended(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _last_words(log: Path) -> str:
    said = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return said[-1][:400] if said else "it said nothing; was it out of memory?"
