"""Watch a group of processes, and end it when it takes too much."""

import contextlib
import os
import signal
import threading
import time

from setpoint.sandbox.usage import most_bytes, of_group

EVERY_S = 0.1
COST = 0.01  # of a core's time, at most, goes into watching
PROCESSES = 128


class Watch:
    """A thread that kills a process group beyond its memory or number, and says why; `with` ends it.

    Parameters
    ----------
    leader : int
        Process id of the leader of a group of its own.
    memory_bytes : int, optional
        Resident memory of the group; default: four fifths of the machine's.
    """

    def __init__(self, leader: int, memory_bytes: int | None = None) -> None:
        self.why = ""
        self._leader, self._most = leader, most_bytes(memory_bytes)
        self._ended = threading.Event()
        threading.Thread(target=self._run, daemon=True, name="setpoint-watch").start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._ended.wait(wait_s):
            started = time.perf_counter()
            self.why = beyond(*of_group(self._leader), self._most)
            if self.why:
                kill_group(self._leader)
                return
            wait_s = max(EVERY_S, (time.perf_counter() - started) / COST)


def beyond(resident: int, processes: int, most: int) -> str:
    """Return in words what a group takes too much of; empty if nothing."""
    if resident > most:
        return f"needed more than {most / 1e9:.3g} GB of memory and was stopped; set SETPOINT_JOB_MEMORY to allow more"
    if processes > PROCESSES:
        return f"started more than {PROCESSES} processes and was stopped"
    return ""


def kill_group(leader: int) -> None:
    """Kill a process and all it started that did not leave its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; or, on macOS, a group of zombies
        os.killpg(leader, signal.SIGKILL)
