"""A native model in a process of its own: however slow it is, and however it ends, its worker goes on."""

import logging
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import weakref
from pathlib import Path

from setpoint import errors
from setpoint.domain.records import Column, Columns
from setpoint.domain.value import to_json
from setpoint.domain.version import ModelVersion
from setpoint.errors import ModelEnded, ModelFailed, ModelGone, SetpointError
from setpoint.runtime.frames import Frame, receive, send
from setpoint.sandbox.environment import minimal
from setpoint.sandbox.guard import Guard
from setpoint.sandbox.start import command
from setpoint.sandbox.watch import Watch, kill_group

log = logging.getLogger("setpoint.runtime")
ANSWER_S = 30.0
START_S = 120.0
MOST_DELAY_S = 30.0
MOST_FILE = 2**30


class Child:
    """The process and our end of its socket; it ends when that is closed.

    It reads the bundle, writes to a folder that goes with it, and has the socket, but no network.
    """

    def __init__(self, folder: Path, version: ModelVersion, memory_bytes: int | None = None) -> None:
        ours, theirs = socket.socketpair()
        self._own = tempfile.TemporaryDirectory(prefix="setpoint-model-", ignore_cleanup_errors=True)
        guard = Guard(read=(str(folder),), write=self._own.name, file_bytes=MOST_FILE)
        with theirs:
            self.process = subprocess.Popen(
                command(guard, "setpoint.runtime.child", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env=minimal(os.environ, self._own.name),
                process_group=0,
            )
        self.watch = Watch(self.process.pid, memory_bytes)
        self.socket, self.ready = ours, False
        ours.settimeout(START_S)
        send(ours, Frame("load", str(folder), to_json(version)))

    def ask(self, frame: Frame, columns: Columns) -> tuple[Frame, dict[str, Column]]:
        """Send a message and wait for the answer; OSError if there is none."""
        send(self.socket, frame, columns)
        return self.hear()

    def hear(self) -> tuple[Frame, dict[str, Column]]:
        """Wait for a message; OSError if there is none."""
        message = receive(self.socket)
        if message is None:
            raise ConnectionResetError("its process ended")
        return message

    def stop(self, *, hung: bool = False) -> str:
        """Kill the process if it has not ended by itself, and say how it ended."""
        if hung:
            self.process.kill()
        self.socket.close()  # which ends it, too
        code = self.process.wait()
        self.watch.close()
        kill_group(self.process.pid)
        self._own.cleanup()
        if self.watch.why:
            return self.watch.why
        if hung:
            return "did not answer in time and was killed"
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class Nursery:
    """Holds the one child there is, so that it ends with its model."""

    child: Child | None = None

    def close(self) -> None:
        """End the child."""
        child, self.child = self.child, None
        if child:
            child.stop(hung=True)


class ChildModel:
    """A version that answers in a child process, which is started again when it dies or hangs.

    The process ends with the last reference to this object, or with this process, however that ends.

    Parameters
    ----------
    folder : Path
        The bundle's.
    version : ModelVersion
    answer_s : float
        A run that takes longer is taken for one that hangs.
    memory_bytes : int, optional
        The most the process may have; default: four fifths of the machine's.

    Raises
    ------
    SetpointError
        What loading raised in the child; ModelFailed for errors that are not ours.
    """

    def __init__(
        self, folder: Path, version: ModelVersion, *, answer_s: float = ANSWER_S, memory_bytes: int | None = None
    ) -> None:
        self._folder, self._version, self._answer_s = folder, version, answer_s
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._failures, self._start_at = 0, 0.0
        self._nursery = Nursery()
        weakref.finalize(self, self._nursery.close)
        self._ready_child()

    @property
    def pid(self) -> int | None:
        """The child's process id, if there is one."""
        return self._nursery.child.process.pid if self._nursery.child else None

    def predict(self, columns: Columns) -> dict[str, Column]:
        """Answer rows (see `Model.predict`); one call at a time.

        Raises
        ------
        ModelFailed
            If the model raised.
        ModelGone
            If its process waits to be started again; ModelEnded if it died or hung on these rows.
        """
        with self._lock:
            child = self._living_child()
            try:
                frame, answer = child.ask(Frame("rows"), columns)
            except OSError as e:
                raise ModelEnded(str(self._lost(child, hung=isinstance(e, TimeoutError)))) from e
            self._failures = 0
        if frame.kind == "failed":
            raise ModelFailed(f"{frame.error}: {frame.text}")
        return answer

    def close(self) -> None:
        """End the process now."""
        self._nursery.close()

    def _living_child(self) -> Child:
        """Return a child that can be asked; one that died meanwhile is replaced."""
        child = self._nursery.child
        if child and child.process.poll() is not None:
            self._lost(child)
        wait_s = self._start_at - time.monotonic()
        if self._nursery.child is None and wait_s > 0:
            raise ModelGone(f"its process is started again in {wait_s:.1f} s")
        try:
            return self._ready_child()
        except SetpointError as e:
            raise ModelGone(str(e)) from e

    def _ready_child(self) -> Child:
        """Start a child unless there is one, and wait until it has loaded its model."""
        child = self._nursery.child = self._nursery.child or self._child()
        if child.ready:
            return child
        try:
            frame, _ = child.hear()
        except OSError as e:
            raise self._lost(child, hung=isinstance(e, TimeoutError)) from e
        if frame.kind == "failed":
            self._lost(child)
            kind = getattr(errors, frame.error, None)
            raise kind(frame.text) if kind else ModelFailed(f"{frame.error}: {frame.text}")
        child.ready = True
        child.socket.settimeout(self._answer_s)
        return child

    def _child(self) -> Child:
        return Child(self._folder, self._version, self._memory_bytes)

    def _lost(self, child: Child, *, hung: bool = False) -> ModelGone:
        """Bury a child, and start the next one at once, or after a while if that did not help before."""
        how = child.stop(hung=hung)
        self._nursery.child = None
        log.error(
            "the process of %s %s (pid %d) %s", self._version.model, self._version.version, child.process.pid, how
        )
        self._failures += 1
        delay_s = delay(self._failures)
        self._start_at = time.monotonic() + delay_s
        if child.ready and not delay_s:
            self._nursery.child = self._child()  # loads while others are answered
        return ModelGone(f"its process {how}")


def delay(failures: int) -> float:
    """Return the seconds to wait before the next start: none after the first failure, then doubling up to 30."""
    return 0.0 if failures <= 1 else min(MOST_DELAY_S, 0.25 * 2.0 ** (failures - 2))
