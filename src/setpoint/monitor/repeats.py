"""Rows that repeat an earlier row, and ids that come twice."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Column, Columns, moment
from setpoint.monitor.micro import Micro
from setpoint.monitor.seen import PARTS, Seen
from setpoint.stats.intervals import share_high, share_low

FLOOR = 0.02  # share of rows that nobody minds
COMPARED = 20_000  # newest rows of the baseline that tell what is natural
FEWEST_STRETCHES = 8
TESTS = 2
EXAMPLES = 5
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, and its bits look random: multiplying by it spreads every bit

Codes = NDArray[np.uint64]


def repeats(seen: Seen, window: Micro) -> Iterator[Finding]:
    """Report rows of the micro-window that repeat an earlier one of it: all inputs the same, or the same id.

    Alarms when the lower bound of their share passes that of the worst as long stretch in the last weeks plus 2 %;
    needs eight such stretches.
    """
    rows = len(window.recent)
    if not rows or len(window.baseline) < FEWEST_STRETCHES * rows:
        return
    before = window.baseline.take(np.arange(max(0, len(window.baseline) - COMPARED), len(window.baseline)))
    again = repeated(row_codes(window.recent.inputs))
    if again.any():
        natural = _worst(row_codes(before.inputs), rows)
        yield _finding(seen, window, "duplicates", again, natural, "repeat the inputs of an earlier one")
    again = repeated(_coded(window.recent.id))
    if again.any():
        natural = _worst(_coded(before.id), rows)
        yield _finding(seen, window, "duplicate_ids", again, natural, "have the id of an earlier one")


def _finding(seen: Seen, window: Micro, metric: str, again: NDArray[np.bool_], natural: float, words: str) -> Finding:
    hits, rows, alpha = int(again.sum()), len(again), seen.level(PARTS * TESTS)
    low, limit = share_low(hits, rows, alpha), min(natural + FLOOR, 1.0)
    return Finding(
        monitor="data_quality",
        metric=metric,
        since=moment(window.recent.time[0]),
        until=moment(window.recent.time[-1]),
        rows=rows,
        value=hits / rows,
        limit=limit,
        alarm=bool(low > limit),
        low=low,
        high=share_high(hits, rows, alpha),
        detail=f"{hits / rows:.1%} of {rows} rows {words}; natural up to {natural:.1%}",
        examples=tuple(str(i) for i in window.recent.id[again][:EXAMPLES]),
    )


def row_codes(columns: Columns) -> Codes:
    """Return a 64-bit code a row, equal where all columns are; that two others meet has a chance of 2^−64."""
    codes: Codes = np.zeros(len(next(iter(columns.values()), ())), np.uint64)
    with np.errstate(over="ignore"):
        for column in columns.values():
            codes = (codes ^ _coded(column)) * MIX
            codes ^= codes >> np.uint64(29)
    return codes


def repeated(codes: Codes) -> NDArray[np.bool_]:
    """Return which rows have a code that an earlier row has."""
    _, first = np.unique(codes, return_index=True)
    out = np.ones(len(codes), bool)
    out[first] = False
    return out


def _coded(column: Column) -> Codes:
    if column.dtype == object:
        return np.fromiter(map(hash, column.tolist()), np.int64, len(column)).view(np.uint64)
    return (np.where(np.isnan(column), np.nan, column.astype(np.float64)) + 0.0).view(np.uint64)


def _worst(codes: Codes, rows: int) -> float:
    """Return the largest share of repeats in any stretch of so many rows."""
    count = max(len(codes) // rows, 1)
    return max(float(repeated(part).mean()) for part in np.array_split(codes, count))
