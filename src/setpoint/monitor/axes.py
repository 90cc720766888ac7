"""Columns as what slices are cut by: levels of texts, ranges of numbers."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from setpoint.domain.records import Column, Columns
from setpoint.domain.segments import MOST_LEVELS, MOST_VALUES, Split
from setpoint.domain.texts import Texts, named
from setpoint.stats.slices import Axis

DIGITS = 2  # after the first of the span of the ranges: enough to tell them apart
RANGES = 8  # of equally many rows
SHARE_ELSEWHERE = 0.5  # of the rows may have levels beyond those listed: more, and a text is an id, not a category


def axes_of(columns: Columns) -> tuple[Axis, ...]:
    """Return the columns that rows can be sliced by; constants, ids and free text are left out."""
    found = (_axis(name, column) for name, column in columns.items())
    return tuple(axis for axis in found if axis is not None)


def _axis(name: str, column: Column) -> Axis | None:
    split = _of_text(column) if column.dtype == object else _of_numbers(column.astype(np.float64))
    if split is None:
        return None
    names, codes = split.names(name), split.codes(column)
    if split.edges:
        literals, said = _ranges(name, split.edges, names)
    else:
        literals, said = np.eye(len(names)), names
    return Axis(codes=codes, literals=literals, names=said)


def _of_text(column: Column) -> Split | None:
    texts = Texts.of(column)
    sizes = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.values))
    counts: Counter[str] = Counter()
    for value, size in zip(texts.values, sizes.tolist(), strict=True):
        counts[named(value)] += size
    most = sorted(counts, key=lambda level: (-counts[level], level))[:MOST_LEVELS]
    listed = sum(counts[level] for level in most)
    if listed < max(1.0, (1 - SHARE_ELSEWHERE) * sum(counts.values())):
        return None
    return Split(levels=tuple(most))


def _of_numbers(numbers: Column) -> Split | None:
    finite = numbers[np.isfinite(numbers)]
    values = np.unique(finite)
    if not len(values) or (len(values) == 1 and len(finite) == len(numbers)):
        return None
    if len(values) <= MOST_VALUES:
        return Split(values=tuple(values.tolist()))
    edges = np.quantile(finite, np.linspace(0, 1, RANGES + 1)[1:-1], method="inverted_cdf")
    digits = DIGITS - int(np.floor(np.log10(edges[-1] - edges[0]))) if edges[-1] > edges[0] else 0
    short = np.unique(np.round(edges, min(max(digits, -300), 300)))
    return Split(edges=tuple((short if np.isfinite(short).all() else np.unique(edges)).tolist()))


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
