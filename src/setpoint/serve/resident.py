"""How much memory this process holds, minute by minute, and how much the machine has left."""

import os
from pathlib import Path

from setpoint.domain.workload import MINUTES

PAGE = os.sysconf("SC_PAGE_SIZE")
STATM, MEMINFO = Path("/proc/self/statm"), Path("/proc/meminfo")


class Resident:
    """What the process holds, one number a minute; what is older than an hour is forgotten."""

    def __init__(self) -> None:
        self._minutes: dict[int, int] = {}

    def sample(self, now: float) -> tuple[tuple[int, int], ...]:
        """Look once a minute, and return what was seen; nothing where the system does not tell."""
        minute = int(now // 60)
        if minute not in self._minutes and (held := resident()) is not None:
            self._minutes = {m: b for m, b in self._minutes.items() if m > minute - MINUTES}
            self._minutes[minute] = held
        return tuple(self._minutes.items())


def resident() -> int | None:
    """Return how many bytes this process holds; None where the system does not tell."""
    try:
        return int(STATM.read_text().split()[1]) * PAGE
    except OSError:
        return None


def free() -> int | None:
    """Return how many bytes the machine has left for new work; None where it does not tell."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1_024 for line in lines if line.startswith("MemAvailable:")), None)
