"""How much memory processes have, and how many there are."""

import os
import subprocess
import sys
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


def of_group(leader: int) -> tuple[int, int]:
    """Return resident bytes of all processes in the group of a leader, pages of files left out, and their number."""
    found = _of_proc(leader) if sys.platform == "linux" else _of_ps(leader)
    return sum(found), len(found)


def _of_proc(leader: int) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if _group(process) == leader:
                    found.append(_resident(process))
            except (OSError, ValueError, IndexError):  # it ended meanwhile
                continue
    return found


def _group(process: Path) -> int:
    return int((process / "stat").read_bytes().rpartition(b")")[2].split()[2])


def _resident(process: Path) -> int:
    lines = (process / "status").read_text().splitlines()
    return sum(1_024 * int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem")))


def _of_ps(leader: int) -> list[int]:
    said = subprocess.run(["ps", "-axo", "pgid=,rss="], capture_output=True, text=True, check=False).stdout
    rows = (line.split() for line in said.splitlines())
    return [1_024 * int(resident) for group, resident in rows if int(group) == leader]
