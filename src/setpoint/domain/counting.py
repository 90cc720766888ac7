"""Rows to counts: measure every column once, then count it by any grouping of the rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.cuts import HEAVIEST, Counted, Cuts
from setpoint.domain.far import far_of
from setpoint.domain.records import Column
from setpoint.domain.tally import LEVELS, MARKS, IntArray, Tally, bounded, counted, gathered, marks_of, nothing
from setpoint.domain.texts import HOURS, Texts, hour_of_week, named, seconds, trigrams

BLOCK_CELLS = 1 << 21  # values that are worked on at a time, which bounds the memory
NULL, ODD, PLACES = 0, 1, 2  # places before the bins
NONE = (np.zeros(0, np.int64), np.zeros(0, np.int64))  # keys and their counts

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which of `count` groups each row belongs to, shape (n,); no group is empty."""

    group: IntArray
    count: int


@dataclass(frozen=True, slots=True)
class Marks:
    """Counts beside the bins: those of value v are `marks[starts[v]:starts[v + 1]]`; -1 in `codes` is a row without."""

    codes: IntArray
    starts: IntArray
    marks: NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Columns made ready for counting.

    `numbers` has shape (k, n), of the columns `measured` of the binning: finite numbers, else NaN. `place` is `NULL`,
    `ODD` or `PLACES` and a bin, of the same shape. `infinite` has the same shape, or is None where nothing is.
    """

    rows: int
    cuts: Sequence[Cuts]
    measured: IntArray
    numbers: FloatArray
    place: NDArray[np.int32]
    infinite: NDArray[np.bool_] | None
    marks: Mapping[int, Marks]
    levels: Mapping[int, Texts]


def measured(columns: Sequence[Column | Texts], cuts: Sequence[Cuts]) -> Measured:
    """Find the bins of all values of columns of equal length; a column is numbers, objects, or coded texts."""
    rows = len(columns[0].codes if isinstance(columns[0], Texts) else columns[0]) if columns else 0
    which = [at for at, c in enumerate(cuts) if c.kind != Counted.CATEGORICAL]
    numbers, place = np.empty((len(which), rows)), np.empty((len(which), rows), np.int32)
    marks: dict[int, Marks] = {}
    for line, at in enumerate(which):
        null, found = _measure(columns[at], cuts[at], line, numbers)
        place[line] = np.searchsorted(np.asarray(cuts[at].edges), numbers[line], side="left")
        place[line] += PLACES
        place[line, np.isnan(numbers[line])] = ODD
        place[line, null] = NULL
        if cuts[at].kind == Counted.NUMERIC and len(cuts[at].edges) > 1:
            found = _outside(numbers[line], place[line], cuts[at])
        if found is not None:
            marks[at] = found
    infinite = np.isinf(numbers)
    some = bool(infinite.any())
    if some:
        numbers[infinite] = np.nan
    return Measured(
        rows=rows,
        cuts=cuts,
        measured=np.array(which, np.int64),
        numbers=numbers,
        place=place,
        infinite=infinite if some else None,
        marks=marks,
        levels={at: _texts(columns[at]) for at, c in enumerate(cuts) if c.kind == Counted.CATEGORICAL},
    )


def _texts(column: Column | Texts) -> Texts:
    texts = column if isinstance(column, Texts) else Texts.of(column)
    return Texts(texts.codes, [named(v) for v in texts.values])


def _measure(column: Column | Texts, cuts: Cuts, line: int, out: FloatArray) -> tuple[NDArray[np.bool_], Marks | None]:
    """Write what is measured of a column to a line of `out`; return which rows are null, and what else is counted."""
    if cuts.kind == Counted.TEXT:
        texts = column if isinstance(column, Texts) else Texts.of(column)
        out[line] = texts.lengths
        return texts.codes < 0, Marks(texts.codes, *trigrams(texts.values))
    if cuts.kind == Counted.DATETIME:
        null, out[line] = _times(column)
        timed = ~np.isnan(out[line])
        codes = np.where(timed, hour_of_week(np.where(timed, out[line], 0.0)), -1)
        return null, Marks(codes, np.arange(HOURS + 1), np.arange(HOURS))
    if isinstance(column, Texts):
        raise TypeError(f"a {cuts.kind} column holds text")
    out[line] = column
    return np.isnan(out[line]), None


def _outside(numbers: FloatArray, place: NDArray[np.int32], cuts: Cuts) -> Marks | None:
    """Return the sizes of those numbers that lie outside the edges: few, if any."""
    beyond = np.flatnonzero((place == PLACES) | (place == PLACES + cuts.bins - 1))
    if not len(beyond):
        return None
    codes = np.full(len(numbers), -1)
    codes[beyond] = np.arange(len(beyond))
    return Marks(codes, np.arange(len(beyond) + 1), far_of(numbers[beyond], cuts.edges))


def _times(column: Column | Texts) -> tuple[NDArray[np.bool_], FloatArray]:
    if isinstance(column, Texts) or column.dtype == object:
        texts = column if isinstance(column, Texts) else Texts.of(column)
        return texts.codes < 0, texts.spread(texts.times)
    return np.isnan(column.astype(np.float64)), seconds(column)


def tallied(m: Measured, grouping: Grouping) -> Tally:
    """Count all columns in each group: entry `group * len(cuts) + column` of the result."""
    wide = len(m.cuts)
    column = np.tile(np.arange(wide), grouping.count)
    tally = nothing(column)
    if not m.rows or not wide:
        return tally
    cells = [_numbers(m, lines, grouping, tally) for lines in _blocks(m)]
    for at, marks in m.marks.items():
        entry, mark, count = _marked(marks, grouping, marks_of(m.cuts[at]))
        cells.append((entry * wide + at, mark + MARKS, count))
    names: list[str] = []
    for at, texts in m.levels.items():
        size = len(texts.values) + 1
        key, count = counted(grouping.group * size + texts.codes + 1, grouping.count * size)
        entry, code = key // size * wide + at, key % size
        tally.nulls[entry[code == 0]] = count[code == 0]
        real = code > 0
        cells.append((entry[real], code[real] + (LEVELS - 1 + len(names)), count[real]))
        names += texts.values
    width = LEVELS + len(names)
    key = np.concatenate([entry * width + slot for entry, slot, _ in cells])
    key, count = gathered(key, np.concatenate([count for *_, count in cells]))
    return bounded(replace(tally, entry=key // width, slot=key % width, count=count, names=names), m.cuts)


def _blocks(m: Measured) -> Iterator[slice]:
    step = max(BLOCK_CELLS // max(m.rows, 1), 1)
    for start in range(0, len(m.measured), step):
        yield slice(start, start + step)


def _numbers(m: Measured, lines: slice, grouping: Grouping, into: Tally) -> tuple[IntArray, IntArray, IntArray]:
    """Write the sums and extremes of some measured columns into a tally, and return their cells."""
    wide, at = len(m.cuts), m.measured[lines]
    group, numbers, place = grouping.group, m.numbers[lines], m.place[lines]
    infinite = None if m.infinite is None else m.infinite[lines]
    if (group[1:] < group[:-1]).any():
        order = np.argsort(group, kind="stable")
        group, numbers, place = group[order], numbers[:, order], place[:, order]
        infinite = None if infinite is None else infinite[:, order]
    starts = np.searchsorted(group, np.arange(grouping.count))
    entry = np.arange(grouping.count) * wide + at[:, None]
    away = _distances(numbers, np.array([m.cuts[a].origin for a in at.tolist()]))
    into.total[entry] = np.add.reduceat(away, starts, axis=1)
    into.squares[entry] = np.add.reduceat(np.square(away), starts, axis=1)
    low, high = np.fmin.reduceat(numbers, starts, axis=1), np.fmax.reduceat(numbers, starts, axis=1)
    into.low[entry] = np.where(np.isnan(low), np.inf, low)
    into.high[entry] = np.where(np.isnan(high), -np.inf, high)
    if infinite is not None:
        into.infinite[entry] = np.add.reduceat(infinite.astype(np.int64), starts, axis=1)
    size = max(c.bins for c in m.cuts) + PLACES
    key, count = counted(((group * wide + at[:, None]) * size + place).ravel(), grouping.count * wide * size)
    cell, slot = key // size, key % size
    into.nulls[cell[slot == NULL]] = count[slot == NULL]
    into.odd[cell[slot == ODD]] = count[slot == ODD]
    real = slot >= PLACES
    return cell[real], slot[real] - PLACES, count[real]


def _distances(numbers: FloatArray, origin: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        away = numbers - origin[:, None]
    np.clip(away, -HEAVIEST, HEAVIEST, out=away)
    away[np.isnan(away)] = 0.0
    return away


def _marked(marks: Marks, grouping: Grouping, width: int) -> tuple[IntArray, IntArray, IntArray]:
    """Count marks by group, in stretches of values so that the memory is bounded."""
    values = max(len(marks.starts) - 1, 1)
    there = marks.codes >= 0
    key, rows = counted(grouping.group[there] * values + marks.codes[there], grouping.count * values)
    group, value = key // values, key % values
    lengths = np.diff(marks.starts)[value]
    total = _Sums(grouping.count * width, int(lengths.sum()))
    for part in _stretches(lengths):
        size = lengths[part]
        at = np.repeat(marks.starts[value[part]] - np.cumsum(size) + size, size) + np.arange(size.sum())
        total.add(np.repeat(group[part], size) * width + marks.marks[at], np.repeat(rows[part], size))
    found, sums = total.sparse()
    return found // width, found % width, sums


class _Sums:
    """Counts of `cells` keys below `size`: as one array where that is small and not mostly empty, else by sorting."""

    def __init__(self, size: int, cells: int) -> None:
        small = size <= min(BLOCK_CELLS, max(16 * cells, 4_096))
        self._dense = np.zeros(size, np.int64) if small else None
        self._parts: list[tuple[IntArray, IntArray]] = []

    def add(self, key: IntArray, count: IntArray) -> None:
        """Add a count to each key; a key may occur several times."""
        if self._dense is None:
            self._parts.append(gathered(key, count))
        else:
            np.add.at(self._dense, key, count)

    def sparse(self) -> tuple[IntArray, IntArray]:
        """Return the keys that were counted, in order, and their counts."""
        if self._dense is not None:
            found = np.flatnonzero(self._dense)
            return found, self._dense[found]
        keys, counts = (np.concatenate([part[at] for part in [NONE, *self._parts]]) for at in (0, 1))
        return gathered(keys, counts)


def _stretches(lengths: IntArray) -> Iterator[slice]:
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        base = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, base + BLOCK_CELLS, side="right")), start + 1)
        yield slice(start, stop)
        start = stop
