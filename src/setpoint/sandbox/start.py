"""Start a module under a guard, and run one to its end within its time and memory."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from setpoint.sandbox.environment import minimal
from setpoint.sandbox.guard import Guard
from setpoint.sandbox.watch import Watch, kill_group

LAST_WORDS = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended: its exit code, why it was stopped (empty: it was not), and the last it wrote to stderr."""

    code: int
    stopped: str
    said: str


def command(guard: Guard, module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module under a guard."""
    return [sys.executable, "-m", "setpoint.sandbox", guard.text(), module, *arguments]


def run(
    module: str,
    arguments: Sequence[str],
    *,
    read: Sequence[Path],
    folder: Path,
    timeout_s: float,
    memory_bytes: int | None,
    environment: Mapping[str, str],
) -> Ended:
    """Run a module to its end, in a group of its own that is gone afterwards.

    Parameters
    ----------
    read : sequence of Path
        What it may read beside Python, the system and `folder`.
    folder : Path
        What it may write; home and temporary files are in it, too.
    memory_bytes : int or None
        The most it may have; None: four fifths of the machine's.
    environment : mapping of str to str
        Variables beside the few that are let through.
    """
    own = folder / "home"
    own.mkdir(exist_ok=True)
    guard = Guard(read=tuple(map(str, read)), write=str(folder), bound=True)
    said = folder / "stderr.log"
    with said.open("wb") as errors:
        process = subprocess.Popen(
            command(guard, module, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**minimal(os.environ, str(own)), **environment},
            process_group=0,
        )
    watch = Watch(process.pid, memory_bytes)
    try:
        process.wait(timeout_s)
        stopped = watch.why
    except subprocess.TimeoutExpired:
        stopped = f"took longer than {timeout_s:g} s and was stopped (SETPOINT_JOB_TIMEOUT_S)"
    finally:
        watch.close()
        kill_group(process.pid)
        code = process.wait()
    return Ended(code=code, stopped=stopped, said=_end_of(said))


def _end_of(file: Path) -> str:
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - LAST_WORDS))
        return content.read().decode(errors="replace")
