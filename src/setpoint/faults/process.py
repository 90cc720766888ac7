"""Faults of real processes and disks, for a home that is there to be broken: each can be undone, but for a kill.

with hung(pid):
    ...  # the process does nothing, and its port stays open
"""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from setpoint.domain.records import Columns
from setpoint.errors import InvalidInput
from setpoint.faults.answers import Ask

FILLER = ".setpoint-filler"
LARGEST = 2**30  # bytes that a file system may have free to be filled: nobody fills the disk of a machine by mistake
BLOCK = 2**16


def killed(pid: int) -> None:
    """Kill a process at once; what it holds in memory is lost."""
    os.kill(pid, signal.SIGKILL)


@contextmanager
def hung(pid: int) -> Iterator[None]:
    """Stop a process without ending it, and let it go on afterwards, if nobody has ended it meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def flipped(file: Path, at: int = 0) -> Iterator[None]:
    """Change one byte of a file, such as a bundle's model, and restore it afterwards.

    Raises
    ------
    InvalidInput
        If the file has no such byte.
    """
    size = file.stat().st_size
    if not 0 <= at < size:
        raise InvalidInput(f"{file} has {size} bytes, and no byte {at}")
    _flip(file, at)
    try:
        yield
    finally:
        _flip(file, at)


def _flip(file: Path, at: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 0xFF]))


@contextmanager
def full(folder: Path, *, largest: int = LARGEST) -> Iterator[None]:
    """Fill the file system of a folder, such as a small tmpfs that holds a spool, and free it afterwards.

    Raises
    ------
    InvalidInput
        If more than `largest` bytes are free there: that is no file system of the folder's own.
    """
    free = shutil.disk_usage(folder).free
    if free > largest:
        raise InvalidInput(f"{folder} has {free:,} bytes free; to be filled it needs a file system of its own")
    filler = folder / FILLER
    try:
        _fill(filler)
        yield
    finally:
        filler.unlink(missing_ok=True)


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as stream:
        block = BLOCK
        while block:
            try:
                stream.write(bytes(block))
            except OSError:  # no space for so much: for less perhaps
                block //= 2


def slowed(ask: Ask, seconds: float, sleep: Callable[[float], None] = time.sleep) -> Ask:
    """Return a model that answers the same, and takes longer."""

    def later(inputs: Columns) -> Columns:
        sleep(seconds)
        return ask(inputs)

    return later
