"""Reading segments of the spool: what is whole, whether the writer is gone, and what becomes of damaged bytes."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from setpoint.domain.record import Layout
from setpoint.store.framing import FORMAT, FORMATS, HEADER, MAGIC, Scan, scan
from setpoint.store.packing import records_in

FIRST = len(HEADER)  # offset of the first frame
HEAD_BYTES = 2**22  # in which the layout stands
COPIES_AT_MOST = 4
CHUNK_BYTES = 4 * 2**20  # how much of a segment is read at once


@dataclass(slots=True)
class Followed:
    """What was read of a segment; `finished` says that its writer is gone and that nothing is left to read."""

    scan: Scan
    finished: bool
    form: int = FORMAT


def segments(folder: Path, suffix: str) -> list[Path]:
    """Return the segments of a model, in the order of their names; those of one writer are in time order."""
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == suffix)
    except FileNotFoundError:
        return []


def follow(path: Path, start: int, *, mend: bool) -> Followed:
    """Read whole frames from an offset on.

    With `mend` (one process at a time may), a torn tail of a gone writer is cut off the file; it and damaged bytes are
    copied to the folder `quarantine` beside it. A segment deleted meanwhile reads as empty.
    """
    try:
        descriptor = os.open(path, os.O_RDWR if mend else os.O_RDONLY)
    except FileNotFoundError:
        return Followed(Scan(end=start), False)
    try:
        gone = mend and _lock(descriptor)
        size = os.fstat(descriptor).st_size
        header = os.pread(descriptor, FIRST, 0)
        if start == FIRST and header[: len(MAGIC)] == MAGIC and header[-1] not in FORMATS:
            return _strange(path, descriptor, size) if gone else Followed(Scan(end=start), False)
        damaged = start == FIRST and header[: len(MAGIC)] != MAGIC
        if damaged and not gone:
            return Followed(Scan(end=start), False)
        length = CHUNK_BYTES
        found = Scan(end=start)
        while start < size and found.end == start:
            data = _read(descriptor, start, min(length, size - start))
            whole = start + len(data) >= size
            found = scan(data, start, closed=gone and whole)
            if whole:
                break
            length *= 2  # a frame larger than the chunk
        if damaged and size:
            found.corrupt.insert(0, (0, min(FIRST, size)))
        if mend:
            for first, last in found.corrupt:
                keep(path, first, _read(descriptor, first, last - first))
        if found.torn:
            keep(path, found.end, _read(descriptor, found.end, found.torn))
            os.ftruncate(descriptor, found.end)
            size = found.end
        form = header[-1] if header and header[-1] in FORMATS else FORMAT
        return Followed(found, gone and found.end >= size, form)
    finally:
        os.close(descriptor)


def layout_in(path: Path) -> Layout | None:
    """Return what a segment says of its columns, if that can still be read."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        return records_in(scan(head[FIRST:], FIRST, closed=False).frames[:COPIES_AT_MOST], FORMAT, None).layout
    return None


def keep(path: Path, offset: int, data: bytes) -> None:
    """Put damaged bytes of a segment into the folder `quarantine` beside it."""
    folder = path.parent / "quarantine"
    folder.mkdir(exist_ok=True)
    (folder / f"{path.name}-{offset}.bin").write_bytes(data)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file; waits for the process that has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int, start: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.pread(descriptor, length, start)
        if not part:
            break
        parts.append(part)
        start, length = start + len(part), length - len(part)
    return b"".join(parts)


def _strange(path: Path, descriptor: int, size: int) -> Followed:
    """Set a whole file aside whose format a later release knows."""
    keep(path, 0, _read(descriptor, 0, size))
    os.ftruncate(descriptor, 0)
    return Followed(Scan(corrupt=[(FIRST, size)]), True)
