"""What models in this process are being asked just now, noted where it outlives the process.

A request that ends its worker gets no answer, and so no record. Before each run its rows are noted in memory that other
processes share; the worker that takes the place of a dead one reads what was never crossed out, and records it.
Inputs are noted as they came: what is sensitive only in memory, and no longer than its run lasts.
"""

import logging
import mmap
import os
from collections.abc import Sequence
from errno import ENOSPC
from pathlib import Path
from struct import pack_into, unpack_from
from threading import Lock
from typing import Any

import msgspec

from setpoint.errors import WorkerEnded
from setpoint.serve.form import Rows
from setpoint.serve.table import Target
from setpoint.serve.work import Work

log = logging.getLogger("setpoint.serve")
MEMORY = Path("/dev/shm")
LENGTH = "<Q"
START = 8
LARGEST = 2**20  # a note; rows that take more are not noted
NONE = -1


class Asked(msgspec.Struct, array_like=True):
    """Rows of one request on their way."""

    request_id: str
    caller: str
    arrived_us: int
    n: int
    columns: list[list[Any]]
    ids: list[str | None] | None
    times_us: list[int | None] | None


class Flight(msgspec.Struct, array_like=True):
    """One run of a version."""

    model: str
    version: str
    asked: list[Asked]


class Flights:
    """The notes of one worker, one file for each run at a time; runs in the event loop and beside it may note theirs.

    Parameters
    ----------
    folder : Path, optional
        None: nothing is noted.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder, self._encode = folder, msgspec.msgpack.Encoder().encode
        self._in_memory = folder is not None and MEMORY in folder.resolve().parents
        self._pages: list[mmap.mmap] = []
        self._free: list[int] = []
        self._taking = Lock()
        self.left = _read(folder) if folder else []

    def begin(self, target: Target, asked: Sequence[tuple[Work, Rows]]) -> int:
        """Note what is about to be asked; what runs in a process of its own cannot end this one."""
        if self._folder is None or target.loaded.version.runtime == "native":
            return NONE
        if target.guard is not None and not self._in_memory:
            return NONE
        note = self._encode(
            (
                target.model,
                target.version,
                [(w.request_id, w.caller, w.arrived_us, r.n, r.columns, r.ids, r.times_us) for w, r in asked],
            )
        )
        if len(note) > LARGEST - START or (slot := self._taken()) == NONE:
            return NONE
        page = self._pages[slot]
        page[START : START + len(note)] = note
        pack_into(LENGTH, page, 0, len(note))
        return slot

    def end(self, slot: int) -> None:
        """Cross a note out and wipe it: its run is over."""
        if slot == NONE:
            return
        page = self._pages[slot]
        (length,) = unpack_from(LENGTH, page)
        pack_into(LENGTH, page, 0, 0)
        page[START : START + length] = bytes(length)
        self._free.append(slot)

    def _taken(self) -> int:
        """Return a page that nobody uses."""
        with self._taking:
            return self._free.pop() if self._free or self._opened() else NONE

    def _opened(self) -> bool:
        """Make one more page, all of it at once: where memory is full, touching what is not there kills."""
        if self._folder is None:
            return False
        try:
            with (self._folder / str(len(self._pages))).open("w+b", buffering=0) as file:
                if file.write(bytes(LARGEST)) < LARGEST:
                    raise OSError(ENOSPC, os.strerror(ENOSPC))
                self._pages.append(mmap.mmap(file.fileno(), LARGEST))
        except OSError as e:
            log.warning("what is asked is not noted: %s", e)
            self._folder = None
            return False
        self._free.append(len(self._pages) - 1)
        return True


def works_of(flight: Flight, target: Target) -> list[tuple[Work, WorkerEnded]]:
    """Return the requests of a run that never ended, and what became of them."""
    gone = WorkerEnded("the worker ended or hung while it answered this")
    return [
        (Work(target, Rows(a.n, a.columns, a.ids, a.times_us), a.request_id, a.caller, a.arrived_us, 0, None), gone)
        for a in flight.asked
    ]


def _read(folder: Path) -> list[Flight]:
    """Return the runs of a predecessor that never ended."""
    found = []
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(folder.iterdir()):
        held = file.read_bytes()
        (length,) = unpack_from(LENGTH, held) if len(held) >= START else (0,)
        if length:
            try:
                found.append(msgspec.msgpack.decode(held[START : START + length], type=Flight))
            except msgspec.DecodeError as e:
                log.warning("a note of the worker before cannot be read: %s", e)
        file.unlink()
    return found
