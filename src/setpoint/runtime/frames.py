"""Columns and errors over a socket between two processes: raw buffers behind a small head, no pickles."""

import socket
import struct
from typing import Any

import msgspec
import numpy as np

from setpoint.domain.records import Column, Columns

SIZES = struct.Struct("=IQ")  # bytes of the head, bytes of the buffers
MIXED = "object"


class Frame(msgspec.Struct, frozen=True):
    """One message.

    `kind` is "load" (a `folder` and its `version`, as JSON), "ready", "rows", "answer" or "failed" (the class of an
    `error` and its `text`); `columns` has the name, dtype and bytes of each column.
    """

    kind: str
    folder: str = ""
    version: bytes = b""
    error: str = ""
    text: str = ""
    columns: list[tuple[str, str, int]] = []


def send(to: socket.socket, frame: Frame, columns: Columns | None = None) -> None:
    """Send a message; OSError if nobody is there to take it."""
    buffers = [(name, _dtype(column), _bytes(column)) for name, column in (columns or {}).items()]
    listed = [(name, dtype, len(raw)) for name, dtype, raw in buffers]
    head = msgspec.msgpack.encode(msgspec.structs.replace(frame, columns=listed))
    body = b"".join([raw for _, _, raw in buffers])
    to.sendall(b"".join((SIZES.pack(len(head), len(body)), head, body)))


def receive(source: socket.socket) -> tuple[Frame, dict[str, Column]] | None:
    """Return the next message, or None when the other side has closed; OSError when it breaks off within one."""
    sizes = _exactly(source, SIZES.size)
    if sizes is None:
        return None
    head_size, body_size = SIZES.unpack(sizes)
    head, body = _exactly(source, head_size), _exactly(source, body_size)
    if head is None or body is None:
        raise ConnectionResetError("the other side closed within a message")
    frame = msgspec.msgpack.decode(head, type=Frame)
    columns, at = {}, 0
    for name, dtype, size in frame.columns:
        columns[name] = _column(memoryview(body)[at : at + size], dtype)
        at += size
    return frame, columns


def _dtype(column: Column) -> str:
    return MIXED if column.dtype.hasobject else column.dtype.str


def _bytes(column: Column) -> bytes:
    return msgspec.msgpack.encode(column.tolist()) if column.dtype.hasobject else column.tobytes()


def _column(raw: memoryview, dtype: str) -> Column:
    if dtype != MIXED:
        return np.frombuffer(raw, np.dtype(dtype))
    values: list[Any] = msgspec.msgpack.decode(raw)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _exactly(source: socket.socket, size: int) -> bytearray | None:
    """Return so many bytes, or None if the other side closes before the first."""
    buffer = bytearray(size)
    view, at = memoryview(buffer), 0
    while at < size:
        n = source.recv_into(view[at:])
        if n == 0 and at == 0:
            return None
        if n == 0:
            raise ConnectionResetError("the other side closed within a message")
        at += n
    return buffer
