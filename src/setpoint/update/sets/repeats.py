"""Stretches of rows that came again: requests that were sent twice, and traffic that was replayed under new ids.

Equal rows are natural where columns have few values, and say nothing. What does not come about by chance are many equal
rows in the same order. How many is learnt from the reference.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

NATURAL = 0.001  # share of the reference's rows that may repeat by chance
LENGTHS = (1, 2, 4, 8, 16, 32, 64)  # rows of a stretch
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, and its bits look random
SHIFT = np.uint64(29)

Codes = NDArray[np.uint64]
Mask = NDArray[np.bool_]


def natural_length(codes: Codes) -> int | None:
    """Return the shortest stretch that repeats in no more than one row in a thousand; None where even long ones do.

    Parameters
    ----------
    codes : ndarray of shape (n,), uint64
        One a row of the reference, in its order.
    """
    return next((length for length in LENGTHS if came_again(codes, length).mean() <= NATURAL), None)


def came_again(codes: Codes, length: int) -> Mask:
    """Return which rows lie in a stretch of so many rows that came before, in the same order, shape (n,)."""
    if len(codes) < length:
        return np.zeros(len(codes), bool)
    grams = codes[: len(codes) - length + 1].copy()
    with np.errstate(over="ignore"):
        for step in range(1, length):
            grams = _mixed(grams, codes[step : len(codes) - length + 1 + step])
    first = np.unique(grams, return_index=True)[1]
    again = np.ones(len(grams), np.int64)
    again[first] = 0
    begun = np.concatenate([[0], np.cumsum(again)])
    rows = np.arange(len(codes))
    covered: Mask = begun[np.minimum(rows + 1, len(grams))] > begun[np.maximum(rows - length + 1, 0)]
    return covered


def shared_weights(codes: Codes, again: Mask) -> NDArray[np.float64]:
    """Return weights with which the copies of a row, and the row itself, weigh as one row together, shape (n,)."""
    _, first, code = np.unique(codes, return_index=True, return_inverse=True)
    copies = np.bincount(code[again], minlength=len(first))
    concerned = again.copy()
    concerned[first] = True
    return np.where(concerned, 1.0 / (1 + copies[code]), 1.0)


def row_codes(table: pa.Table, names: list[str]) -> Codes:
    """Return a 64-bit code a row, the same where all columns are, and in every process, shape (n,)."""
    codes: Codes = np.zeros(table.num_rows, np.uint64)
    with np.errstate(over="ignore"):
        for name in names:
            codes = _mixed(codes, _coded(table[name]))
    return codes


def _mixed(codes: Codes, more: Codes) -> Codes:
    codes = (codes ^ more) * SPREAD
    return codes ^ (codes >> SHIFT)


def _coded(column: pa.ChunkedArray) -> Codes:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        numbers = column.cast(pa.float64(), safe=False) if not pa.types.is_boolean(kind) else column.cast(pa.int8())
        found: Codes = (numbers.to_numpy().astype(np.float64) + 0.0).view(np.uint64)
        return found
    plain = column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column
    coded = plain.combine_chunks().cast(pa.string()).dictionary_encode()
    levels = pd.util.hash_array(coded.dictionary.to_numpy(zero_copy_only=False).astype(object), categorize=False)
    places = coded.indices.fill_null(len(levels)).to_numpy(zero_copy_only=False)
    of_rows: Codes = np.append(levels, np.uint64(1))[places]
    return of_rows
