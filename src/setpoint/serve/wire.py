"""Tensors as bytes: little-endian values, BYTES elements each behind its length (Open Inference Protocol).

Shared by the binary tensor extension of REST and by `raw_input_contents` and `raw_output_contents` of gRPC.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from setpoint.errors import InvalidRequest

DTYPES = {
    "BOOL": np.dtype("?"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
}
DATATYPES = frozenset(DTYPES) | {"BYTES"}
_LENGTH = struct.Struct("<I")


def from_raw(name: str, datatype: str, raw: bytes | memoryview, count: int) -> tuple[list[Any], bool]:
    """Return the values of a tensor (NaN, a missing number, as None), and whether an infinity is among them.

    Parameters
    ----------
    name : str
        Of the tensor, for the error.
    datatype : str
        One of `DATATYPES`.
    raw : bytes-like
    count : int
        Values that the shape needs.

    Raises
    ------
    InvalidRequest
        If the bytes are not `count` values of the type.
    """
    if datatype == "BYTES":
        return _texts(name, memoryview(raw), count), False
    dtype = DTYPES[datatype]
    if len(raw) != count * dtype.itemsize:
        raise _wrong(name, f"got {len(raw)} bytes; expected {count * dtype.itemsize}, for {count} values of {datatype}")
    if datatype == "BOOL":
        return (np.frombuffer(raw, np.uint8) != 0).tolist(), False
    array = np.frombuffer(raw, dtype)
    values: list[Any] = array.tolist()
    if dtype.kind != "f" or np.isfinite(array).all():
        return values, False
    for i in np.flatnonzero(np.isnan(array)).tolist():
        values[i] = None
    return values, bool(np.isinf(array).any())


def to_raw(datatype: str, values: Sequence[Any]) -> bytes:
    """Return values as the bytes of a tensor."""
    if datatype != "BYTES":
        return np.asarray(values, DTYPES[datatype]).tobytes()
    texts = [str(value).encode() for value in values]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))


def _texts(name: str, raw: memoryview, count: int) -> list[str]:
    texts: list[str] = []
    at = 0
    while at < len(raw) and len(texts) <= count:
        if at + 4 > len(raw):
            raise _wrong(name, f"expected 4 bytes, the length of element {len(texts)}, got the last {len(raw) - at}")
        (length,) = _LENGTH.unpack_from(raw, at)
        at += 4
        if at + length > len(raw):
            raise _wrong(name, f"expected {length} bytes, as element {len(texts)} says, got the last {len(raw) - at}")
        try:
            texts.append(str(raw[at : at + length], "utf-8"))
        except UnicodeDecodeError as e:
            raise InvalidRequest(
                f"input {name!r}: element {len(texts)} is not UTF-8, as is expected: {e}", (f"type:{name[:64]}",)
            ) from e
        at += length
    if len(texts) != count:
        raise _wrong(name, f"the shape needs {count} elements, got {len(texts)}")
    return texts


def _wrong(name: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"input {name!r}: {what}", (f"shape:{name[:64]}",))
