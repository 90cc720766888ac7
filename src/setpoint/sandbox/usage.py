"""How much memory the machine and processes have."""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

SHARE = 0.8  # of the machine's memory, where nobody said how much a job may have


def machine_bytes() -> int:
    """Return the memory of the machine, or of the container if that has less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(whole, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without bound ("max")
        return whole


def most_bytes(told: int | None) -> int:
    """Return what a job may have: as told, or four fifths of the machine's."""
    return told if told is not None else int(SHARE * machine_bytes())


def members(leader: int) -> list[int]:
    """Return the ids of the processes in the group of a leader."""
    if sys.platform == "linux":
        return [pid for pid in _all_pids() if _group(pid) == leader]
    return [pid for pid, group, _ in _of_ps() if group == leader]


def resident(pids: Collection[int]) -> int:
    """Return the resident bytes of processes: without pages of files, and what they share among them once."""
    if sys.platform == "linux":
        return sum(_resident(pid, alone=len(pids) == 1) for pid in pids)
    return sum(size for pid, _, size in _of_ps() if pid in pids)


def _all_pids() -> list[int]:
    return [int(process.name) for process in Path("/proc").iterdir() if process.name.isdigit()]


def _group(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[2])
    except (OSError, IndexError):  # it ended meanwhile
        return 0


def _resident(pid: int, *, alone: bool) -> int:
    """Return what a process holds; its share of what it has in common with others takes longer to tell."""
    name, fields = ("status", ("RssAnon", "RssShmem")) if alone else ("smaps_rollup", ("Pss_Anon", "Pss_Shmem"))
    try:
        lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
    except OSError:  # it ended meanwhile
        return 0
    return sum(1_024 * int(line.split()[1]) for line in lines if line.startswith(fields))


def _of_ps() -> list[tuple[int, int, int]]:
    command = ["ps", "-axo", "pid=,pgid=,rss="]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows = (line.split() for line in said.splitlines())
    return [(int(pid), int(group), 1_024 * int(size)) for pid, group, size in rows]
