"""Profiles of consecutive stretches of time, side by side as arrays: what a monitor looks at."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.counting import Grouping, measured, tallied
from setpoint.domain.cuts import Binning, Cuts
from setpoint.domain.profile import ColumnProfile, Profile, kept
from setpoint.domain.records import Columns, stamp
from setpoint.domain.tally import LEVELS, MARKS, IntArray, Tally, marks_kept, marks_of, summed

FloatArray = NDArray[np.float64]
Chosen = slice | NDArray[np.bool_] | NDArray[np.int64]
SUMMED = ("bins", "marks", "levels", "others", "nulls", "infinite", "odd", "total", "squares")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSeries:
    """The counts of one column in n stretches; see `ColumnProfile` for what they are.

    `bins` has shape (n, cuts.bins), `marks` (n, len(marked)) of those marks that any stretch has, `levels` (n,
    len(names)); everything else has shape (n,).
    """

    cuts: Cuts
    names: tuple[str, ...]
    marked: IntArray
    bins: IntArray
    marks: IntArray
    levels: IntArray
    others: IntArray
    nulls: IntArray
    infinite: IntArray
    odd: IntArray
    total: FloatArray
    squares: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def filled(self) -> IntArray:
        """Rows that are not null."""
        filled: IntArray = self.bins.sum(axis=1) + self.levels.sum(axis=1) + self.others + self.odd
        return filled

    @property
    def rows(self) -> IntArray:
        """All rows."""
        return self.filled + self.nulls

    @property
    def finite(self) -> IntArray:
        """Rows that the moments are of."""
        finite: IntArray = self.bins.sum(axis=1) - self.infinite
        return finite

    @property
    def mean(self) -> FloatArray:
        """Mean of what is measured; NaN of nothing."""
        return self._per_row(self.total) + self.cuts.origin

    @property
    def std(self) -> FloatArray:
        """Standard deviation of what is measured; NaN of nothing."""
        return np.asarray(np.sqrt(np.maximum(self._per_row(self.squares) - self._per_row(self.total) ** 2, 0.0)))

    def _per_row(self, sums: FloatArray) -> FloatArray:
        finite = self.finite
        return np.asarray(np.divide(sums, finite, out=np.full(len(sums), np.nan), where=finite > 0), np.float64)

    def counts(self, levels: Iterable[str]) -> IntArray:
        """Return the rows of some levels, shape (n, len(levels))."""
        place = {name: at for at, name in enumerate(self.names)}
        padded = np.column_stack([self.levels, np.zeros(len(self.levels), np.int64)])
        found: IntArray = padded[:, [place.get(level, -1) for level in levels]]
        return found

    def take(self, chosen: Chosen) -> "ColumnSeries":
        """Return some of the stretches."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in (*SUMMED, "low", "high")})

    def blanked(self, chosen: NDArray[np.bool_]) -> "ColumnSeries":
        """Return the column as if it had not been there in some of the stretches."""
        kept: dict[str, Any] = {}
        for name in SUMMED:
            kept[name] = np.where(chosen if getattr(self, name).ndim == 1 else chosen[:, None], 0, getattr(self, name))
        return replace(self, **kept, low=np.where(chosen, np.inf, self.low), high=np.where(chosen, -np.inf, self.high))

    def summed(self, starts: IntArray) -> "ColumnSeries":
        """Return the sums of the stretches from each of some places to the next."""
        sums: dict[str, Any] = {name: np.add.reduceat(getattr(self, name), starts, axis=0) for name in SUMMED}
        low, high = np.minimum.reduceat(self.low, starts), np.maximum.reduceat(self.high, starts)
        return replace(self, **sums, low=low, high=high)

    def profile(self) -> ColumnProfile:
        """Return the profile of all stretches together."""
        sums: dict[str, Any] = {name: getattr(self, name).sum(axis=0).tolist() for name in SUMMED[4:]}
        counts = self.levels.sum(axis=0).tolist()
        marks = _spread(self.marks, self.marked, marks_of(self.cuts)).sum(axis=0)
        levels, more = kept({name: n for name, n in zip(self.names, counts, strict=True) if n}, self.cuts)
        return ColumnProfile(
            cuts=self.cuts,
            bins=self.bins.sum(axis=0),
            marks=marks[: marks_kept(self.cuts, bool(marks.any()))],
            levels=levels,
            others=int(self.others.sum()) + more,
            low=float(self.low.min(initial=np.inf)),
            high=float(self.high.max(initial=-np.inf)),
            **sums,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Profiles of the stretches that begin at `starts` (datetime64[us], UTC) and are `every` long, in order of time."""

    starts: NDArray[np.datetime64]
    every: timedelta
    columns: Mapping[str, ColumnSeries]

    def __len__(self) -> int:
        """Return the number of stretches."""
        return len(self.starts)

    @property
    def rows(self) -> IntArray:
        """Rows of each stretch, shape (n,)."""
        counts = [c.rows for c in self.columns.values()]
        return np.max(counts, axis=0) if counts else np.zeros(len(self), np.int64)

    def take(self, chosen: Chosen) -> "Series":
        """Return some of the stretches."""
        return replace(
            self, starts=self.starts[chosen], columns={name: c.take(chosen) for name, c in self.columns.items()}
        )

    def without(self, column: str) -> "Series":
        """Return the other columns."""
        return replace(self, columns={name: c for name, c in self.columns.items() if name != column})

    def blanked(self, column: str, chosen: NDArray[np.bool_]) -> "Series":
        """Return the stretches without a column in some of them; as they are where it is not counted."""
        if column not in self.columns or not chosen.any():
            return self
        return replace(self, columns={**self.columns, column: self.columns[column].blanked(chosen)})

    def between(self, since: datetime | None, until: datetime | None) -> "Series":
        """Return the stretches that begin in a window; None leaves a side open."""
        first = 0 if since is None else int(np.searchsorted(self.starts, stamp(since)))
        last = len(self) if until is None else int(np.searchsorted(self.starts, stamp(until)))
        return self.take(slice(first, last))

    def coarser(self, times: int) -> "Series":
        """Return the sums of as many consecutive stretches; those that do not fill one are left out at the start."""
        if times == 1:
            return self
        count = len(self) // max(times, 1)
        whole = self.take(slice(len(self) - count * times, None))
        return replace(whole.summed(np.arange(count) * times), every=self.every * times)

    def summed(self, starts: IntArray) -> "Series":
        """Return the sums of the stretches from each of some places to the next."""
        columns = {name: c.summed(starts) for name, c in self.columns.items()} if len(starts) else self.columns
        return replace(self, starts=self.starts[starts], columns=columns)

    def profile(self) -> Profile:
        """Return the profile of all stretches together."""
        return Profile({name: column.profile() for name, column in self.columns.items()})


def joined(parts: Sequence[Series]) -> Series:
    """Return the stretches of all parts, of whatever length each; there is at least one part, with the same columns."""
    parts = [part for part in parts if len(part)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    return Series(
        starts=np.concatenate([p.starts for p in parts]),
        every=min(p.every for p in parts),
        columns={name: _joined([p.columns[name] for p in parts]) for name in parts[0].columns},
    )


def _joined(parts: Sequence[ColumnSeries]) -> ColumnSeries:
    names = tuple(dict.fromkeys(name for p in parts for name in p.names))
    place = {name: at for at, name in enumerate(names)}
    marked = np.unique(np.concatenate([p.marked for p in parts]))
    levels = [_spread(p.levels, np.array([place[name] for name in p.names], np.int64), len(names)) for p in parts]
    marks = [_spread(p.marks, np.searchsorted(marked, p.marked), len(marked)) for p in parts]
    rest: dict[str, Any] = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in ("bins", *SUMMED[3:], "low", "high")
    }
    return replace(
        parts[0], names=names, marked=marked, levels=np.concatenate(levels), marks=np.concatenate(marks), **rest
    )


def _spread(counts: IntArray, place: IntArray, size: int) -> IntArray:
    """Return counts with their columns at other places among `size`."""
    out = np.zeros((len(counts), size), np.int64)
    out[:, place] = counts
    return out


def series_from(tally: Tally, since: datetime, every: timedelta, binning: Binning) -> Series:
    """Return a tally whose entry `stretch * columns + column` counts a column in a stretch as a series."""
    wide = len(binning.columns)
    count = len(tally) // wide if wide else 0
    stretch, column = np.divmod(tally.entry, max(wide, 1))
    order = np.argsort(column, kind="stable")
    ends = np.searchsorted(column[order], np.arange(wide + 1))
    return Series(
        starts=stamp(since) + np.arange(count) * np.timedelta64(every),
        every=every,
        columns={
            name: _column(tally, at, count, stretch, order[slice(*ends[at : at + 2].tolist())], cuts)
            for at, (name, cuts) in enumerate(binning.columns.items())
        },
    )


def _column(tally: Tally, at: int, count: int, stretch: IntArray, cells: IntArray, cuts: Cuts) -> ColumnSeries:
    wide = len(tally) // count if count else 1
    slot, held, stretch = tally.slot[cells], tally.count[cells], stretch[cells]
    marks, levels = (slot >= MARKS) & (slot < LEVELS), slot >= LEVELS
    bins = slot < MARKS
    marked, mark = np.unique(slot[marks] - MARKS, return_inverse=True)
    which, level = np.unique(slot[levels] - LEVELS, return_inverse=True)
    numbers = {
        f.name: getattr(tally, f.name)[at::wide]
        for f in fields(ColumnSeries)
        if f.name in ("others", "nulls", "infinite", "odd", "total", "squares", "low", "high")
    }
    return ColumnSeries(
        cuts=cuts,
        names=tuple(tally.names[at] for at in which.tolist()),
        marked=marked,
        bins=_dense(stretch[bins], slot[bins], held[bins], count, cuts.bins),
        marks=_dense(stretch[marks], mark, held[marks], count, len(marked)),
        levels=_dense(stretch[levels], level, held[levels], count, len(which)),
        **numbers,
    )


def _dense(stretch: IntArray, place: IntArray, held: IntArray, count: int, size: int) -> IntArray:
    out = np.zeros((count, size), np.int64)
    out[stretch, place] = held
    return out


def series_of(
    columns: Columns,
    times: NDArray[np.datetime64],
    since: datetime,
    until: datetime,
    every: timedelta,
    binning: Binning,
) -> Series:
    """Count rows by stretches of time; those outside `since` <= time < `until` are left out.

    Parameters
    ----------
    columns : Mapping of ndarray, shape (n,)
        Every column of the binning.
    times : ndarray of shape (n,), datetime64
    every : timedelta
        Length of a stretch; the last one may reach beyond `until`.
    """
    at = (times.astype("datetime64[us]") - stamp(since)) // np.timedelta64(every)
    keep = (times >= stamp(since)) & (times < stamp(until))
    kept, group = np.unique(at[keep].astype(np.int64), return_inverse=True)
    cuts = list(binning.columns.values())
    counted = tallied(
        measured([columns[name][keep] for name in binning.columns], cuts), Grouping(group.astype(np.int64), len(kept))
    )
    wide = np.arange(len(cuts))
    place = (kept[:, None] * len(cuts) + wide).ravel()
    whole = np.tile(wide, stretches(since, until, every))
    return series_from(summed(counted, place, whole, cuts), since, every, binning)


def stretches(since: datetime, until: datetime, every: timedelta) -> int:
    """Return how many stretches cover a window; the last one may reach beyond it."""
    return max(-((since - until) // every), 0)
