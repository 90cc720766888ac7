"""The files that the processes of one home share: who runs, what they report, what happened."""

import errno
import fcntl
import logging
import os
import time
from pathlib import Path

import msgspec

from setpoint.domain.live import Live, WorkerStatus
from setpoint.domain.record import ProcessEvent
from setpoint.domain.value import from_json, to_json, value
from setpoint.errors import Conflict, Corrupt

log = logging.getLogger("setpoint.platforms")
FRESH_S = 10.0


@value
class Running:
    """What runs on a home (`run/supervisor.json`)."""

    pid: int
    host: str
    port: int
    control_host: str | None = None
    control_port: int | None = None
    grpc_port: int | None = None
    workers: tuple[int, ...] = ()
    control: int | None = None


def make_home(home: Path) -> None:
    """Make the folder of a home for its owner alone, as it holds all that is recorded; one that is there stays so."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(home)) from None


class HomeFiles:
    """Paths and formats below `$SETPOINT_HOME` that the platform owns."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.live = home / "live.json"
        self.live_lock = home / "live.json.lock"
        self.run = home / "run"
        self.workers = self.run / "workers"
        self.restarts = self.run / "restarts"  # a file a worker that is to start anew
        self.events = self.run / "events.jsonl"
        self.supervisor = self.run / "supervisor.json"
        self.lock = self.run / "supervisor.lock"

    def read_live(self) -> Live:
        """Return what is to be served; nothing when there is no file.

        Raises
        ------
        Corrupt
            If the file is not what was written.
        """
        try:
            return from_json(self.live.read_bytes(), Live)
        except FileNotFoundError:
            return Live()
        except msgspec.DecodeError as e:
            raise Corrupt(f"{self.live} is damaged: {e}; remove it and deploy again") from e

    def swap_live(self, live: Live) -> Live:
        """Replace live.json, unless somebody else did meanwhile; return what it held.

        Raises
        ------
        Conflict
            If what it holds is no older than what should replace it.
        """
        make_home(self.home)
        with self.live_lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.read_live()
            if before != live:
                if live.generation <= before.generation:
                    raise Conflict("somebody else has changed what is served at the same moment; try again")
                self._write_live(live)
            return before

    def _write_live(self, live: Live) -> None:
        """Write live.json: whole, and on the disk before it is visible."""
        new = self.live.with_suffix(".new")
        with new.open("wb") as file:
            file.write(to_json(live, pretty=True))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.live)

    def reports(self) -> dict[int, WorkerStatus]:
        """Return the last report of every worker that runs: alive, and heard of within ten seconds."""
        found = {}
        for file in sorted(self.workers.glob("*.json"), key=lambda f: f.name):
            try:
                status, beat = from_json(file.read_bytes(), WorkerStatus), file.stat().st_mtime
            except FileNotFoundError:
                continue
            except msgspec.DecodeError as e:
                log.warning("%s is damaged: %s", file, e)
                continue
            if time.time() - beat < FRESH_S and alive(status.pid):
                found[int(file.stem)] = status
        return found

    def running(self) -> Running | None:
        """Return what runs on this home, or None; a file left by a dead supervisor counts as nothing."""
        try:
            found = from_json(self.supervisor.read_bytes(), Running)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return found if self._locked() else None

    def _locked(self) -> bool:
        """Whether a living supervisor holds the lock; it ends with its process, whatever ended that."""
        try:
            descriptor = os.open(self.lock, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def read_events(self) -> list[ProcessEvent]:
        """Return what happened to the processes, oldest first; a line still being written is left for later."""
        try:
            lines = self.events.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        events = []
        for line in lines:
            try:
                events.append(from_json(line, ProcessEvent))
            except msgspec.DecodeError as e:
                log.warning("%s: a line is damaged: %s", self.events, e)
        return events

    def add_event(self, event: ProcessEvent) -> None:
        """Append one event; a disk that refuses is reported, and no reason to stop supervising."""
        try:
            with self.events.open("ab", buffering=0) as file:
                file.write(to_json(event) + b"\n")
        except OSError as e:
            log.error("%s cannot be written: %s; event %s", self.events, e, event)


def alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
