"""The digest of a table's content."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROWS = 65_536  # hashed at once, however the table is chunked


def digest(table: pa.Table) -> str:
    """Return the SHA-256 of column names, types and values in order.

    It does not hang on how the table is chunked or encoded, nor on the bytes behind its nulls: what was written to
    Parquet and read again has the same.
    """
    found = hashlib.sha256()
    for name in table.column_names:
        column = _plain(table[name])
        found.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
        for start in range(0, len(column), ROWS):
            for part in _bytes(column.slice(start, ROWS)):
                found.update(part)
    return found.hexdigest()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    return column.cast(pa.string()) if pa.types.is_large_string(kind) else column


def _bytes(column: pa.ChunkedArray) -> Iterator[Any]:
    missing = column.is_null().to_numpy()
    yield np.packbits(missing).tobytes()
    kind = column.type
    if pa.types.is_string(kind):
        texts = column.fill_null("")
        yield pc.binary_length(texts).to_numpy().astype("<i4").tobytes()
        yield from (_content(chunk) for chunk in texts.chunks)
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        yield _little(column.fill_null(False if pa.types.is_boolean(kind) else 0).to_numpy())
    elif pa.types.is_temporal(kind):
        whole = pa.int32() if kind.bit_width == 32 else pa.int64()
        yield _little(column.cast(whole).fill_null(0).to_numpy())
    else:
        yield repr(column.to_pylist()).encode()


def _content(texts: pa.StringArray) -> memoryview:
    """Return the characters of texts, one after the other."""
    if not len(texts):
        return memoryview(b"")
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    return memoryview(data)[ends[0] : ends[-1]] if data is not None else memoryview(b"")


def _little(values: Any) -> Any:
    values = np.ascontiguousarray(values)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).view(np.uint8)
