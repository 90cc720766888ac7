"""Calling the user's `profile:` function on recorded inputs, so that whatever it does, ingestion goes on."""

import logging
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

from setpoint.domain.described import joined, prefixed
from setpoint.domain.records import Column, Columns
from setpoint.runtime.frames import Frame, receive, send

log = logging.getLogger("setpoint.runtime")
START_S = 60.0
ANSWER_S = 10.0
ROWS = 10_000  # rows a call
REST = 10.0  # times the time that was lost: a function that hangs costs a tenth of the time
LONGEST_REST_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Described:
    """Columns beside the inputs, under their full names, each of shape (n,), and what went wrong, in words.

    What went wrong is null, or has no column at all.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


class _Process:
    """The process and our end of its socket; it ends when that is closed."""

    def __init__(self, function: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "setpoint.runtime.describing", str(theirs.fileno()), function],
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


class Describer:
    """Describes inputs by a user's function, in a process of its own; it never raises.

    An exception, a hang, a death, a wrong length or type become nulls and an error in words; `failed` counts the calls
    that had one, `last_error` is the latest. After a hang or a death the function is left alone for ten times the time
    that was lost, twice as long each time, an hour at most.

    Parameters
    ----------
    function : str
        `path/to/file.py:function`, taking a data frame of inputs and returning a mapping of columns of equal length.
    answer_s : float
        The longest a call on at most 10,000 rows may take.
    """

    def __init__(self, function: str, *, answer_s: float = ANSWER_S) -> None:
        self.function = function
        self.failed = 0
        self.last_error: str | None = None
        self._answer_s = answer_s
        self._processes: list[_Process] = []  # none or one
        self._lost_in_a_row, self._rests_until = 0, 0.0
        weakref.finalize(self, _stop, self._processes)

    def close(self) -> None:
        """End the process."""
        _stop(self._processes)

    def describe(self, inputs: Columns) -> Described:
        """Describe rows; `inputs` are columns of equal length, numbers or objects holding str and None."""
        parts, errors = [], []
        for part, rows in _parts(inputs):
            columns, error = self._described(part)
            parts.append((columns, rows))
            if error:
                errors.append(error)
        self.failed += len(errors)
        self.last_error = errors[-1] if errors else self.last_error
        return Described(prefixed(self.function, joined(parts)), tuple(dict.fromkeys(errors)))

    def columns(self, inputs: Columns) -> Columns:
        """Describe rows; what goes wrong is null, counted and remembered, and no more said of it."""
        return self.describe(inputs).columns

    def _described(self, inputs: Columns) -> tuple[Columns, str]:
        wait_s = self._rests_until - time.monotonic()
        if wait_s > 0:
            return {}, f"{self.function} is left alone for {wait_s:.0f} s: {self.last_error}"
        started = time.monotonic()
        try:
            process = self._ready()
            send(process.socket, Frame("rows"), inputs)
            frame, columns = _heard(process)
        except OSError as e:
            return {}, self._lost(e, time.monotonic() - started)
        self._lost_in_a_row = 0
        return columns, f"{self.function}: {frame.text}" if frame.text else ""

    def _ready(self) -> _Process:
        if self._processes:
            return self._processes[0]
        process = _Process(self.function)
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
        log.error("profile: %s: %s; it is left alone for %.0f s", self.function, how, rest_s)
        return f"{self.function}: {how}"


def _stop(processes: list[_Process]) -> None:
    while processes:
        processes.pop().stop()


def _heard(process: _Process) -> tuple[Frame, dict[str, Column]]:
    message = receive(process.socket)
    if message is None:
        raise ConnectionResetError("its process ended")
    return message


def _parts(inputs: Columns) -> Iterator[tuple[Columns, int]]:
    rows = len(next(iter(inputs.values()))) if inputs else 0
    for start in range(0, rows, ROWS):
        stop = min(start + ROWS, rows)
        yield {name: column[start:stop] for name, column in inputs.items()}, stop - start
