"""The folder of a training: what was asked, how far it is, how it ended. Every process of a home can read it."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from setpoint.domain.value import from_json, replace, to_json, value
from setpoint.errors import Conflict, NotFound
from setpoint.ports import FitJob, FitResult, Progress
from setpoint.update.job import WORK
from setpoint.update.said import place_of

JOB, RESULT, PROGRESS, CANCELLED, ATTEMPTS = "job.json", "result.json", "progress.json", "cancelled.json", "attempts"
EVERY_S = 0.5  # between two writings of what is heard


@value
class _Cancelled:
    by: str
    at: datetime


class JobFolder:
    """One training on disk. Times are the wall clock's, also in a replay: a process is silent in real time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, job: FitJob) -> None:
        """Write down what is asked for; what was asked before stays."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / JOB).exists():
            self._write(JOB, job)

    @property
    def job(self) -> FitJob | None:
        """What was asked for."""
        file = self.path / JOB
        return from_json(file.read_bytes(), FitJob) if file.exists() else None

    @property
    def result(self) -> FitResult | None:
        """How it ended."""
        file = self.path / RESULT
        return from_json(file.read_bytes(), FitResult) if file.exists() else None

    def end(self, result: FitResult) -> None:
        """Write down how it ended."""
        self._write(RESULT, result)

    def begin(self) -> int:
        """Count an attempt and return its number, the first is 1: whatever ends this process, it was counted."""
        (self.path / WORK).mkdir(exist_ok=True)
        with (self.path / ATTEMPTS).open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat()}\n")
        return len((self.path / ATTEMPTS).read_text().splitlines())

    def cancel(self, by: str) -> None:
        """Ask whoever runs it to stop.

        Raises
        ------
        NotFound, Conflict
        """
        if self.job is None:
            raise NotFound(f"there is no training {self.path.name}")
        if self.result is not None:
            raise Conflict(f"training {self.path.name} has ended")
        self._write(CANCELLED, _Cancelled(by=by, at=datetime.now(UTC)))

    @property
    def cancelled(self) -> str:
        """Who cancelled it, in words; empty if nobody did."""
        file = self.path / CANCELLED
        return f"cancelled by {from_json(file.read_bytes(), _Cancelled).by}" if file.exists() else ""

    @property
    def progress(self) -> Progress | None:
        """How far it is, while it runs."""
        file = self.path / PROGRESS
        return from_json(file.read_bytes(), Progress) if file.exists() and self.result is None else None

    def tell(self, progress: Progress) -> None:
        """Write down how far it is."""
        self._write(PROGRESS, progress)

    @property
    def untidy(self) -> bool:
        """Whether `tidy` has something to do."""
        return (self.path / WORK).exists()

    def tidy(self) -> None:
        """Remove what served the training alone: its work folder, checkpoints too, and how far it was."""
        shutil.rmtree(self.path / WORK, ignore_errors=True)
        (self.path / PROGRESS).unlink(missing_ok=True)

    def _write(self, name: str, thing: object) -> None:
        partial = self.path / f"{name}.partial"
        partial.write_bytes(to_json(thing, pretty=True))
        partial.rename(self.path / name)


class Teller:
    """Hears what goes on in a training and writes it down, now and then, for other processes to see.

    With `quiet` the words are left out, for they may quote sensitive values.
    """

    def __init__(self, folder: JobFolder, attempt: int, *, quiet: bool) -> None:
        now = datetime.now(UTC)
        self._folder, self._quiet = folder, quiet
        self._now = Progress(started=now, heard=now, words="starting", attempt=attempt)
        folder.tell(self._now)

    def __call__(self, line: str) -> None:
        """Hear a line; its share done, once told, stands until it tells another."""
        done, words = place_of(line)
        late = datetime.now(UTC)
        told = (late - self._now.heard).total_seconds() < EVERY_S and done is None
        self._now = replace(
            self._now,
            heard=late,
            words="" if self._quiet else words,
            done=self._now.done if done is None else done,
        )
        if not told:
            self._folder.tell(self._now)
