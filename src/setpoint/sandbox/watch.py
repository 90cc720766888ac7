"""Watch the memory of a process, and end it when it takes too much."""

import contextlib
import os
import signal
import threading
import time

from setpoint.sandbox.usage import members, most_bytes, resident

EVERY_S, LONGEST_S = 0.1, 1.0
COST = 0.01  # of a core's time, at most, goes into watching


class Watch:
    """A thread that kills a process group whose memory passes a bound, and says so in `why`.

    Parameters
    ----------
    leader : int
        Process id of the leader of a group of its own.
    memory_bytes : int, optional
        Resident memory; default: four fifths of the machine's.
    group : bool
        Whether the processes that it starts count too; a guarded one can start none.
    """

    def __init__(self, leader: int, memory_bytes: int | None = None, *, group: bool = False) -> None:
        self.why = ""
        self._leader, self._most, self._group = leader, most_bytes(memory_bytes), group
        self._ended = threading.Event()
        threading.Thread(target=self._run, daemon=True, name="setpoint-watch").start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()

    def _run(self) -> None:
        wait_s = 0.0
        while not self._ended.wait(wait_s):
            started = time.perf_counter()
            if resident(members(self._leader) if self._group else [self._leader]) > self._most:
                most = f"{self._most / 1e9:.3g} GB"
                self.why = f"needed more than {most} of memory and was stopped; set SETPOINT_JOB_MEMORY to allow more"
                kill_group(self._leader)
                return
            wait_s = min(LONGEST_S, max(EVERY_S, (time.perf_counter() - started) / COST))


def kill_group(leader: int) -> None:
    """Kill a process and all it started that did not leave its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; or, on macOS, a group of zombies
        os.killpg(leader, signal.SIGKILL)
