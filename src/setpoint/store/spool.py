"""The spool: append-only segments, one writer each; the data plane's hand-over to the record log.

Imported by serving workers, so it needs nothing beyond the standard library and msgspec.
"""

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path

from setpoint.domain.record import InferenceRecord, Layout, Outcome
from setpoint.errors import Unusable
from setpoint.store.framing import HEADER, add_frame
from setpoint.store.packing import encode_layout, encode_outcomes, encode_record

RECORDS = ".seg"
OUTCOMES = ".out"
COPIES = 2  # of the layout: a flipped byte in one loses no record
CLOSE = "close"  # a file of the spool: when it is touched, writers close their segments
INGESTED = "ingested"  # a file of the spool: its time is when all that was written by then had reached the record log

Key = tuple[str, str, Layout | None]  # model, suffix, columns


class Spool:
    """Writes records and outcomes before they are answered; fulfils `ports.Recorder`.

    Files: `folder/<model>/<writer>-<time>-<nonce>.seg` for records and `.out` for outcomes. A segment is a header and
    frames: one record, or a list of outcomes. Each append is one `write`; when it returns, the bytes are with the
    operating system, and a kill of this process loses none of them. The writer holds a lock on its open segments, which
    tells the reader that more may come; no writer ever continues a segment of another.

    Parameters
    ----------
    folder : Path
        The spool; made at the first append.
    writer : str
        Names the process, for people who look into the folder.
    fsync : bool
        Flush each append to the disk.
    segment_bytes : int
        A segment is closed when it has grown beyond this size.
    segment_s : float
        `tend` closes a segment that was begun before so many seconds.
    """

    def __init__(
        self,
        folder: Path,
        writer: str,
        *,
        fsync: bool = False,
        segment_bytes: int = 64 * 2**20,
        segment_s: float = 3_600.0,
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._fsync = fsync
        self._segment_bytes = segment_bytes
        self._segment_s = segment_s
        self._asked = _changed(folder / CLOSE)
        self._open: dict[Key, _Segment] = {}
        self._since: float | None = None  # the first write since the log had everything
        self._last = 0.0  # the last one

    def append(self, records: Sequence[InferenceRecord]) -> None:
        """Write a micro-batch, one `write` for all records of a model that have the same columns.

        Raises
        ------
        Unusable
            If the disk refuses. What was partly written is cut off again.
        """
        buffers: dict[tuple[str, int], tuple[Layout, bytearray]] = {}
        for record in records:
            layout = record.layout
            found = buffers.get((record.model, id(layout)))
            if found is None:
                found = buffers[record.model, id(layout)] = layout, bytearray()
            add_frame(found[1], encode_record(record))
        for (model, _), (layout, buffer) in buffers.items():
            self._write((model, RECORDS, layout), buffer)

    def append_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes of a model in one frame; errors as in `append`."""
        if outcomes:
            buffer = bytearray()
            add_frame(buffer, encode_outcomes(list(outcomes)))
            self._write((model, OUTCOMES, None), buffer)

    def lag_s(self) -> float:
        """Return for how many seconds something written here may have waited for the record log; 0 if nothing does."""
        if self._since is None:
            return 0.0
        now = time.time()
        if self._last > now:  # the clock went back
            self._last, self._since = now, min(self._since, now)
        try:
            ingested = (self._folder / INGESTED).stat().st_mtime
        except OSError:  # there is none yet, or it cannot be looked at
            ingested = 0.0
        if ingested > self._last:
            self._since = None
            return 0.0
        self._since = max(self._since, ingested)
        return max(0.0, now - self._since)

    def tend(self) -> None:
        """Close segments that have been open for long, and all when somebody asked for it; for now and then."""
        asked = _changed(self._folder / CLOSE)
        old = math.inf if asked != self._asked else time.monotonic() - self._segment_s
        self._asked = asked
        for key in [key for key, segment in self._open.items() if segment.begun < old]:
            self._open.pop(key).close()

    def close(self) -> None:
        """Close every open segment; the next append starts new ones."""
        for segment in self._open.values():
            segment.close()
        self._open.clear()

    def _write(self, key: Key, data: bytearray) -> None:
        segment = self._open.get(key)
        try:
            if segment is None:
                segment = self._open[key] = self._start(*key)
            segment.append(data, fsync=self._fsync)
            self._last = time.time()
            if self._since is None:
                self._since = self._last
        except OSError as e:
            raise Unusable(
                f"cannot write records to {self._folder / key[0]}: {e.strerror}; free the disk or set SETPOINT_HOME"
            ) from e
        finally:
            if segment is not None and (segment.broken or segment.size >= self._segment_bytes):
                self._open.pop(key).close()

    def _start(self, model: str, suffix: str, layout: Layout | None) -> "_Segment":
        """Make a segment that appears under its name locked and with its header: no reader takes it for an orphan."""
        folder, header = self._folder / model, bytearray(HEADER)
        if layout is not None:
            for _ in range(COPIES):
                add_frame(header, encode_layout(layout))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self._writer}-{time.time_ns():020d}-{os.urandom(4).hex()}{suffix}"
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.write(descriptor, header) != len(header):
                raise OSError(28, os.strerror(28))
            new.rename(path)
        except OSError:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        return _Segment(descriptor, len(header))


def ask_to_close(folder: Path) -> None:
    """Have every writer of a spool close its segments within seconds, so that what they hold can be deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / CLOSE
    mark.touch()
    now = time.time_ns()
    os.utime(mark, ns=(now, now if now != _changed(mark) else now + 1))


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:  # nobody has asked yet, or it cannot be looked at
        return 0


class _Segment:
    """An open segment: its descriptor and how much of it is whole."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.begun = time.monotonic()
        self.broken = False

    def append(self, data: bytearray, *, fsync: bool) -> None:
        """Write everything, or cut back to where the segment was whole."""
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, memoryview(data)[written:])
            if fsync:
                os.fsync(self._descriptor)
        except OSError:
            self.broken = True  # the reader cuts what this cannot, once the segment is closed
            os.ftruncate(self._descriptor, self.size)
            self.broken = False
            raise
        self.size += written

    def close(self) -> None:
        os.close(self._descriptor)
