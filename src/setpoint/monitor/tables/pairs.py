"""One column of two tables, counted: profiles, and how much its rows depend on one another."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.domain.cuts import Counted, Cuts, counted_as
from setpoint.domain.profile import Binning, ColumnProfile, cuts_of, profile_of
from setpoint.domain.records import Column
from setpoint.domain.schema import DType, Feature, Kind
from setpoint.domain.texts import Texts, named
from setpoint.monitor.changes.values import Noise, PerStatistic
from setpoint.monitor.tables.counts import both
from setpoint.monitor.tables.dependence import neighbours, spread, stretch, wandering
from setpoint.monitor.tables.reading import Holds, Numbers, flags, holds, numbers_of, sample, texts_of
from setpoint.stats.distances import bin_scores

READ_TEXTS = 50_000  # rows of free text or of times that are looked into
GLANCE = 5_000  # texts that tell how a column is counted
EVERY = 2**62  # levels are counted apart
COMMON = 3  # levels whose order in the table tells of dependence

FloatArray = NDArray[np.float64]
Rows = NDArray[Any]
Score = Callable[[Rows], FloatArray]


@dataclass(frozen=True, slots=True)
class Pair:
    """A column of two tables; `before` and `rows` are values or codes in their order, without nulls."""

    p: ColumnProfile
    w: ColumnProfile
    noise: Noise
    before: Rows
    rows: Rows

    @property
    def counted(self) -> Counted:
        """How the column is counted."""
        return self.p.cuts.kind


def pair_of(reference: pa.ChunkedArray, current: pa.ChunkedArray, alpha: float) -> Pair:
    """Count a column of two tables that holds the same in both, or nothing in one."""
    kinds = {holds(column.type) for column in (reference, current)} - {Holds.NOTHING}
    nulls = max(_null_design(column) for column in (reference, current))
    if kinds <= {Holds.NUMBERS, Holds.BOOLEANS, Holds.TIMES}:
        kind = {Holds.BOOLEANS: Counted.BOOLEAN, Holds.TIMES: Counted.DATETIME}.get(min(kinds, default=Holds.NUMBERS))
        kind = kind if kind and len(kinds) == 1 else Counted.NUMERIC
        return _numbers(numbers_of(_typed(reference)), numbers_of(_typed(current)), kind, alpha, nulls)
    return _texts(texts_of(reference), texts_of(current), alpha, nulls)


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.float64()) if holds(column.type) is Holds.NOTHING else column


def _null_design(column: pa.ChunkedArray) -> float:
    """Return the design effect of whether rows are null; 1 where none is."""
    if not 0 < column.null_count < len(column):
        return 1.0
    part = stretch(len(column))
    return neighbours(flags(column.slice(part.start, part.stop - part.start).is_null()))


def _numbers(a: Numbers, b: Numbers, kind: Counted, alpha: float, nulls: float) -> Pair:
    if kind == Counted.DATETIME:
        a, b = (Numbers(x.values[:: max(len(x.values) // READ_TEXTS, 1)], x.nulls) for x in (a, b))
    p, w = both(a, b, kind)
    if kind == Counted.DATETIME or not p.filled:
        return Pair(p, w, Noise(alpha=alpha, design=_design(1.0, 1.0, nulls)), a.values, b.values)
    edges = np.asarray(p.cuts.edges)
    location, scale = (_scored(a.values, b.values, edges, scores) for scores in bin_scores(p.bins / p.filled))
    return Pair(p, w, Noise(alpha=alpha, design=_design(location, scale, nulls)), a.values, b.values)


def _scored(a: FloatArray, b: FloatArray, edges: FloatArray, scores: FloatArray) -> float:
    return _dependence(a, b, *2 * (lambda x: scores[np.searchsorted(edges, x)],))


def _texts(a: Texts, b: Texts, alpha: float, nulls: float) -> Pair:
    kind = _text_kind(sample(a, GLANCE))
    if kind == Counted.CATEGORICAL:
        cuts = Cuts(kind=kind, spare=EVERY)
        p, w = (_levels(x, cuts) for x in (a, b))
    else:
        a, b = sample(a, READ_TEXTS), sample(b, READ_TEXTS)
        binning = Binning(columns={"": cuts_of(_objects(a), kind)})
        p, w = (profile_of({"": x}, binning).columns[""] for x in (a, b))
    before, rows = a.codes[a.codes >= 0], _recoded(b, a)
    design = max([_dependence(before, rows, *2 * (partial(_held, code),)) for code in _common(a)], default=1.0)
    return Pair(p, w, Noise(alpha=alpha, design=_design(design, design, nulls)), before, rows)


def _text_kind(seen: Texts) -> Counted:
    return counted_as(Feature(name="", kind=Kind.CATEGORICAL, dtype=DType.STRING), _objects(seen))


def _objects(texts: Texts) -> Column:
    return np.array([*texts.values, None], object)[texts.codes]


def _levels(texts: Texts, cuts: Cuts) -> ColumnProfile:
    counts = np.bincount(texts.codes + 1, minlength=len(texts.values) + 1).tolist()
    levels: Counter[str] = Counter()
    for text, rows in zip(texts.values, counts[1:], strict=True):
        if rows:
            levels[named(text)] += rows
    return ColumnProfile(cuts=cuts, levels=dict(levels), nulls=counts[0])


def _common(texts: Texts) -> list[int]:
    """Return the codes of the most frequent levels."""
    counts = np.bincount(texts.codes + 1, minlength=len(texts.values) + 1)[1:]
    return [int(code) for code in np.argsort(-counts, kind="stable")[:COMMON]]


def _held(code: int, rows: Rows) -> FloatArray:
    return np.asarray(rows == code, np.float64)


def _recoded(texts: Texts, like: Texts) -> Rows:
    """Return the rows of texts by the codes of others, without nulls; texts that those lack have negative codes."""
    known = {text: code for code, text in enumerate(like.values)}
    codes = [known.get(text, -1 - at) for at, text in enumerate(texts.values)]
    return np.array(codes, np.int64)[texts.codes[texts.codes >= 0]]


def _dependence(a: Rows, b: Rows, before: Score, after: Score) -> float:
    """Return the larger design effect of two tables; movement over long stretches is that of the reference alone."""
    near, other = (neighbours(score(x[stretch(len(x))])) for x, score in ((a, before), (b, after)))
    return max(near + wandering(before(a[spread(len(a))]), len(a), near), other)


def _design(location: float, scale: float, nulls: float) -> PerStatistic:
    most = max(location, scale)  # of the scale too: where a column wanders off, its squares are as dependent as itself
    return PerStatistic(location=location, scale=most, shape=most, shares=most, nulls=nulls)
