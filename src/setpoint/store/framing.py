"""Frames in a segment of the spool: length, checksum, payload; whole ones survive whatever the tail looks like."""

import struct
from dataclasses import dataclass, field
from zlib import crc32

MAGIC = b"SPSEG\x00\x00"
FORMAT = 2
FORMATS = (1, FORMAT)  # those that can be read
HEADER = MAGIC + bytes([FORMAT])
FRAME = struct.Struct("<II")  # bytes of the payload, CRC-32 of the payload
SEARCH_BYTES = 2**20  # how far behind a damaged frame the next whole one is looked for


@dataclass(slots=True)
class Scan:
    """What a stretch of a segment holds. Offsets count from the start of the file.

    `frames` are (offset, payload) of the whole frames, `corrupt` the (start, stop) of bytes that were skipped, `end` is
    where reading goes on, and `torn` the number of bytes after it that will never become a frame.
    """

    frames: list[tuple[int, bytes]] = field(default_factory=list)
    corrupt: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    torn: int = 0


def add_frame(buffer: bytearray, payload: bytes) -> None:
    """Append one frame to a buffer."""
    buffer += FRAME.pack(len(payload), crc32(payload))
    buffer += payload


def scan(data: bytes, start: int, *, closed: bool) -> Scan:
    """Read the frames of `data`, which begins at file offset `start`.

    While the writer lives (not `closed`), a frame that is not all there ends the reading: the rest may still come.
    After that, an incomplete tail is torn, unless a whole frame follows the damage.
    """
    found, at, size = Scan(), 0, len(data)
    view = memoryview(data)
    while at < size:
        first = at + FRAME.size
        if first <= size:  # in line: this is done for every record
            length, checksum = FRAME.unpack_from(data, at)
            stop = first + length
            if length and stop <= size and crc32(view[first:stop]) == checksum:
                found.frames.append((start + at, data[first:stop]))
                at = stop
                continue
        last = _stop(data, at)
        if not closed and (last is None or last == size):
            break
        after = _next_whole(data, at) or (size if last == size else None)
        if after is None:
            found.torn = size - at if closed else 0
            break
        found.corrupt.append((start + at, start + after))
        at = after
    found.end = start + at
    return found


def _stop(data: bytes, at: int) -> int | None:
    """Return where the frame at `at` ends, or None if that lies outside of the data."""
    if at + FRAME.size > len(data):
        return None
    length, _ = FRAME.unpack_from(data, at)
    stop = at + FRAME.size + int(length)
    return stop if length and stop <= len(data) else None


def _whole(data: bytes, at: int, stop: int) -> bool:
    _, checksum = FRAME.unpack_from(data, at)
    return crc32(memoryview(data)[at + FRAME.size : stop]) == int(checksum)


def _next_whole(data: bytes, at: int) -> int | None:
    """Return where the nearest whole frame behind a damaged one starts; the damage may be in its length."""
    return next((i for i in range(at + 1, min(len(data), at + SEARCH_BYTES)) if _is_frame(data, i)), None)


def _is_frame(data: bytes, at: int) -> bool:
    stop = _stop(data, at)
    return stop is not None and _whole(data, at, stop)
