"""A user's function in a process of its own, so that whatever it does, the caller goes on."""

import logging
import socket
import subprocess
import sys
import time
import weakref

from setpoint.domain.records import Column, Columns
from setpoint.runtime.frames import Frame, receive, send

log = logging.getLogger("setpoint.runtime")
START_S = 60.0
REST = 10.0  # times the time that was lost: a function that hangs costs a tenth of the time
LONGEST_REST_S = 3_600.0


class _Process:
    """The process and our end of its socket; it ends when that is closed."""

    def __init__(self, module: str, function: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), function],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self.socket = ours

    def stop(self) -> None:
        """Kill it, if it has not ended by itself."""
        self.process.kill()
        self.socket.close()
        self.process.wait()


class Called:
    """A function that is asked over a socket; asking never raises.

    After a hang or a death the function is left alone for ten times the time that was lost, twice as long each time, an
    hour at most.

    Parameters
    ----------
    function : str
        `path/to/file.py:function`.
    module : str
        What the process runs: `python -m MODULE FD FUNCTION`.
    key : str
        The key of setpoint.yaml that names the function.
    answer_s : float
        The longest one answer may take.
    """

    def __init__(self, function: str, *, module: str, key: str, answer_s: float) -> None:
        self.function = function
        self.last_error: str | None = None
        self._module, self._key, self._answer_s = module, key, answer_s
        self._processes: list[_Process] = []  # none or one
        self._lost_in_a_row, self._rests_until = 0, 0.0
        weakref.finalize(self, _stop, self._processes)

    def close(self) -> None:
        """End the process."""
        _stop(self._processes)

    def ask(self, columns: Columns) -> tuple[dict[str, Column], str]:
        """Return what the function answers, and in words what went wrong; the words are empty when nothing did."""
        found, error = self._asked(columns)
        self.last_error = error or self.last_error
        return found, error

    def _asked(self, columns: Columns) -> tuple[dict[str, Column], str]:
        wait_s = self._rests_until - time.monotonic()
        if wait_s > 0:
            return {}, f"{self.function} is left alone for {wait_s:.0f} s: {self.last_error}"
        started = time.monotonic()
        try:
            process = self._ready()
            send(process.socket, Frame("rows"), columns)
            frame, found = _heard(process)
        except OSError as e:
            return {}, self._lost(e, time.monotonic() - started)
        self._lost_in_a_row = 0
        return found, f"{self.function}: {frame.text}" if frame.text else ""

    def _ready(self) -> _Process:
        if self._processes:
            return self._processes[0]
        process = _Process(self._module, self.function)
        self._processes.append(process)
        process.socket.settimeout(START_S)
        frame, _ = _heard(process)
        if frame.kind == "failed":
            raise ConnectionAbortedError(frame.text)
        process.socket.settimeout(self._answer_s)
        return process

    def _lost(self, error: OSError, lost_s: float) -> str:
        """End the process, and leave the function alone for a while; return what happened, in words."""
        allowed_s = self._processes[0].socket.gettimeout() if self._processes else None
        self.close()
        rest_s = min(REST * max(lost_s, 1.0) * 2.0**self._lost_in_a_row, LONGEST_REST_S)
        self._lost_in_a_row += 1
        self._rests_until = time.monotonic() + rest_s
        how = f"did not answer within {allowed_s:.0f} s" if isinstance(error, TimeoutError) else str(error)
        log.error("%s: %s: %s; it is left alone for %.0f s", self._key, self.function, how, rest_s)
        return f"{self.function}: {how}"


def _stop(processes: list[_Process]) -> None:
    while processes:
        processes.pop().stop()


def _heard(process: _Process) -> tuple[Frame, dict[str, Column]]:
    message = receive(process.socket)
    if message is None:
        raise ConnectionResetError("its process ended")
    return message
