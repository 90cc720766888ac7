"""Columns as what slices are cut by: levels of texts, ranges of numbers."""

from collections import Counter

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.segments import MOST_LEVELS, MOST_VALUES, Split
from setpoint.domain.texts import Texts, named
from setpoint.stats.slices import Axis

RANGES, QUARTERS = 8, 4  # of equally many rows
DIGITS = 1  # of an edge, beyond the first that tells it from its neighbour
FAMILIAR = 0.5  # share of the rows that must have a listed level: less, and a text is an id, not a category


def axes_of(columns: Columns) -> tuple[Axis, ...]:
    """Return the columns that rows can be sliced by; constants, ids and free text are left out."""
    found = (_axis(name, column) for name, column in columns.items())
    return tuple(axis for axis in found if axis is not None)


def split_of(column: Column) -> Split:
    """Return the segments of a column: its most frequent levels, each of at most ten numbers, or its quartiles."""
    if column.dtype == object:
        return Split(levels=_levels(column)[0])
    return _of_numbers(column.astype(np.float64), QUARTERS)


def _axis(name: str, column: Column) -> Axis | None:
    split = _of_text(column) if column.dtype == object else _of_numbers(column.astype(np.float64), RANGES)
    names, codes = split.names(name), split.codes(column)
    if not len(codes) or len(np.unique(codes)) < 2:
        return None
    if split.edges:
        literals, said = _ranges(name, split.edges, names)
    else:
        literals, said = np.eye(len(names)), names
    return Axis(codes=codes, literals=literals, names=said)


def _of_text(column: Column) -> Split:
    """Return the levels of a text; none of one whose levels are mostly rare, such as an id."""
    levels, share = _levels(column)
    return Split(levels=levels if share >= FAMILIAR else ())


def _levels(column: Column) -> tuple[tuple[str, ...], float]:
    """Return the most frequent levels of a text, and the share of its rows that have one of them."""
    texts = Texts.of(column)
    sizes = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.values))
    counts: Counter[str] = Counter()
    for value, size in zip(texts.values, sizes.tolist(), strict=True):
        counts[named(value)] += size
    most = sorted(counts, key=lambda level: (-counts[level], level))[:MOST_LEVELS]
    return tuple(most), sum(counts[level] for level in most) / max(sum(counts.values()), 1)


def _of_numbers(numbers: Column, ranges: int) -> Split:
    finite = numbers[np.isfinite(numbers)]
    values = np.unique(finite)
    if len(values) <= MOST_VALUES:
        return Split(values=tuple(values.tolist()))
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, ranges + 1)[1:-1], method="inverted_cdf"))
    return Split(edges=tuple(_shortened(edges).tolist()))


def _shortened(edges: Column) -> Column:
    """Round edges to as many digits as tell them apart; what rounding would merge stays."""
    gaps = np.diff(edges)
    if not len(gaps):
        return edges
    short = np.round(edges, int(np.clip(DIGITS - np.floor(np.log10(gaps.min())), -300, 300)))
    return short if np.isfinite(short).all() and len(np.unique(short)) == len(edges) else edges


def _ranges(name: str, edges: tuple[float, ...], names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return every range between two edges as a literal, then the null."""
    bins = len(edges) + 1
    spans = [(a, b) for a in range(bins) for b in range(a, bins) if b - a + 1 < bins]
    rows = np.zeros((len(spans) + 1, bins + 1))
    for at, (a, b) in enumerate(spans):
        rows[at, a : b + 1] = 1
    rows[-1, bins] = 1
    return rows, (*(_span(name, names, a, b) for a, b in spans), names[-1])


def _span(column: str, names: tuple[str, ...], first: int, last: int) -> str:
    """Join the names of two ranges: `30<age<=40` and `40<age<=50` to `30<age<=50`, `age>50` stays open."""
    if first == last:
        return names[first]
    low = names[first].partition(f"<{column}")[0] if f"<{column}" in names[first] else ""
    high = names[last].partition(f"{column}<=")[2] if f"{column}<=" in names[last] else ""
    if not high:
        return f"{column}>{low}"
    return f"{low}<{column}<={high}" if low else f"{column}<={high}"
