"""Run a training's process to its end, within its time and memory, until somebody cancels it."""

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from setpoint.domain.value import value
from setpoint.sandbox.watch import Watch, kill_group
from setpoint.update.said import Heard, lines_of

LOOK_EVERY_S = 0.2
LINGER_S = 2.0  # for what is left in the pipes of a process that has ended


@value
class Limits:
    """How long a process may run, and how much memory it may have: None is four fifths of the machine's.

    With `group` the memory of processes that it starts counts too.
    """

    timeout_s: float
    memory_bytes: int | None = None
    group: bool = False


@value
class Ended:
    """How it ended: its exit code, below zero for a signal, and why it was stopped; empty: it was not."""

    code: int
    stopped: str = ""


def supervise(
    command: Sequence[str],
    environment: Mapping[str, str],
    limits: Limits,
    heard: Heard,
    *,
    progress: Callable[[str], None],
    cancelled: Callable[[], str],
) -> Ended:
    """Run a command in a group of its own that is gone afterwards.

    Parameters
    ----------
    progress : callable
        Told each line of stdout, as it may be shown.
    cancelled : callable
        Asked five times a second; says who cancelled it, in words, or nothing.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        errors="replace", env=dict(environment), process_group=0,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    watch = Watch(process.pid, limits.memory_bytes, group=limits.group)
    threads = [
        _listening(process.stdout, lambda line: progress(heard.hear(line))),
        _listening(process.stderr, lambda line: heard.hear(line, error=True)),
    ]
    try:
        stopped = _until_ended(process, limits.timeout_s, cancelled)
    finally:
        kill_group(process.pid)
        code = process.wait()
        watch.close()
        for thread in threads:
            thread.join(LINGER_S)
    return Ended(code=code, stopped=watch.why or stopped)


def _until_ended(process: subprocess.Popen[str], timeout_s: float, cancelled: Callable[[], str]) -> str:
    """Wait; return why it must be stopped before it has ended by itself, or nothing."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            process.wait(min(LOOK_EVERY_S, max(0.0, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            if words := cancelled():
                return words
            if time.monotonic() >= end:
                return f"took longer than {timeout_s:g} s and was stopped (SETPOINT_JOB_TIMEOUT_S)"
        else:
            return ""


def _listening(stream: IO[str], hear: Callable[[str], object]) -> threading.Thread:
    """Return a thread that hears a stream line by line."""

    def listen() -> None:
        with stream:
            for line in lines_of(stream):
                hear(line)

    thread = threading.Thread(target=listen, daemon=True, name="setpoint-training-words")
    thread.start()
    return thread
