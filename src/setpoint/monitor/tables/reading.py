"""Columns of Arrow as arrays, by what they hold."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain.texts import Texts

FloatArray = NDArray[np.float64]
t = pa.types


class Holds(StrEnum):
    """What a column holds, whatever its exact type."""

    NUMBERS = "numbers"
    BOOLEANS = "booleans"
    TEXTS = "texts"
    TIMES = "times"
    NOTHING = "nothing"  # of the null type
    OTHER = "other"  # lists, structs, bytes


def holds(kind: pa.DataType) -> Holds:
    """Return what values of a type are."""
    if t.is_dictionary(kind):
        return holds(kind.value_type)
    if t.is_boolean(kind):
        return Holds.BOOLEANS
    if t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_duration(kind) or t.is_time(kind):
        return Holds.NUMBERS
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return Holds.TEXTS
    if t.is_timestamp(kind) or t.is_date(kind):
        return Holds.TIMES
    return Holds.NOTHING if t.is_null(kind) else Holds.OTHER


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of a column that are not null, in their order, and how many rows are null."""

    values: FloatArray
    nulls: int

    @property
    def rows(self) -> int:
        """All rows."""
        return len(self.values) + self.nulls


def numbers_of(column: pa.ChunkedArray) -> Numbers:
    """Return numbers, booleans as 0 and 1, and times as seconds since 1970; NaN is null."""
    kind, unit = column.type, 1.0
    if t.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if t.is_timestamp(kind) or t.is_date(kind):
        column, unit = column.cast(pa.timestamp("us")).cast(pa.int64()), 1e-6
    elif t.is_duration(kind) or t.is_time(kind):
        column = column.cast(pa.int32() if t.is_time32(kind) else pa.int64())
    filled = column.drop_null() if column.null_count else column
    values = plain(filled if t.is_float64(filled.type) else pc.cast(filled, pa.float64(), safe=False))
    missing = np.isnan(values)
    if missing.any():
        values = values[~missing]
    return Numbers(values if unit == 1 else values * unit, len(column) - len(values))


def plain(column: pa.ChunkedArray | pa.Array) -> FloatArray:
    """Return numbers without nulls as an array; unlike `to_numpy` this does not import pandas, which takes a while."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(np.from_dlpack(whole) if len(whole) else np.zeros(0), np.float64)


def flags(column: pa.ChunkedArray | pa.Array) -> FloatArray:
    """Return booleans without nulls as 0 and 1."""
    return plain(column.cast(pa.uint8()).cast(pa.float64()))


def texts_of(column: pa.ChunkedArray) -> Texts:
    """Return texts with each different one once; other values as text."""
    if not t.is_dictionary(column.type):
        column = (column if holds(column.type) is Holds.TEXTS else column.cast(pa.string())).dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    codes, none = whole.indices, whole.indices.null_count
    numbers = np.frombuffer(codes.buffers()[1], codes.type.to_pandas_dtype())[codes.offset :][: len(codes)]
    if none:
        numbers = np.where(flags(codes.is_null()), -1, numbers)
    return Texts(numbers, [str(v) for v in whole.dictionary.to_pylist()])


def sample(texts: Texts, rows: int) -> Texts:
    """Return every k-th row, at most so many."""
    step = max(-(-len(texts.codes) // rows), 1)
    codes = np.asarray(texts.codes[::step], np.int64)
    used, place = np.unique(codes[codes >= 0], return_inverse=True)
    out = np.full(len(codes), -1)
    out[codes >= 0] = place
    return Texts(out, [texts.values[at] for at in used.tolist()])
