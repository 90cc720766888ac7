"""Profiles of columns: a monoid, so that any window is a sum of its parts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.counting import Grouping, measured, tallied
from setpoint.domain.cuts import Binning, Counted, Cuts, binning_of, cuts_of
from setpoint.domain.records import Column, Columns
from setpoint.domain.tally import LEVELS, MARKS, Tally, marks_kept
from setpoint.domain.texts import Texts, hashed
from setpoint.domain.value import from_json, to_json, value

__all__ = [
    "Binning", "ColumnProfile", "Counted", "Cuts", "Profile", "binning_of", "cuts_of", "empty", "profile_from_json",
    "profile_of", "profile_to_json", "with_missing",
]  # fmt: skip

OTHERS = "\ue000others"  # the name under which `every_level` has the rows of levels that are not counted apart


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Counts of one column, and moments and extremes of what is measured in it.

    `bins` has shape (cuts.bins,); `marks` is the count of rows by hour of the week (a datetime, shape (168,)), the
    hashed trigrams of a text (shape (256,)), or numbers outside the edges by their size (see `far`, shape (512,), or
    (0,) while there are none). `levels` are the levels counted apart, `others` the rows in any other.
    `odd` rows hold no time though they should. `infinite` ones are in the outer bins, but in no moment or extreme.
    `total` and `squares` are sums of distances from `cuts.origin`.

    Counts, extremes and levels of a sum are exact in whatever order it is taken; `total` and `squares` are floating
    sums, equal to a relative 1e-9 of the sum of absolute terms.
    """

    cuts: Cuts = field(default_factory=lambda: Cuts(kind=Counted.NUMERIC))
    bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    marks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    levels: Mapping[str, int] = field(default_factory=dict)
    others: int = 0
    nulls: int = 0
    infinite: int = 0
    odd: int = 0
    total: float = 0.0
    squares: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    @property
    def filled(self) -> int:
        """Rows that are not null."""
        return int(self.bins.sum()) + sum(self.levels.values()) + self.others + self.odd

    @property
    def rows(self) -> int:
        """All rows."""
        return self.filled + self.nulls

    @property
    def finite(self) -> int:
        """Rows that the moments are of."""
        return int(self.bins.sum()) - self.infinite

    @property
    def mean(self) -> float:
        """Mean of what is measured (numbers, the share of true, seconds since 1970, characters); NaN of nothing."""
        return self.cuts.origin + self.total / self.finite if self.finite else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of what is measured; NaN of nothing."""
        if not self.finite:
            return float("nan")
        return float(np.sqrt(max(self.squares / self.finite - (self.total / self.finite) ** 2, 0.0)))

    @property
    def every_level(self) -> dict[str, int]:
        """The levels, and under one more name the rows of those not counted apart."""
        return {**self.levels, OTHERS: self.others} if self.others else dict(self.levels)

    @property
    def distinct(self) -> float:
        """Number of different levels: exact, or where some are not counted apart estimated from the kept hashes.

        The estimate is (k - 1) / u, where u in (0, 1] is the largest of the k smallest hashes; its relative standard
        error is about 1 / sqrt(k - 2) (Beyer et al., "On synopses for distinct-value estimation", SIGMOD 2007).
        """
        if not self.others:
            return float(len(self.levels))
        known = set(self.cuts.levels)
        hashes = [hashed(level) for level in self.levels if level not in known]
        return len(self.levels) - len(hashes) + (len(hashes) - 1) / ((max(hashes, default=0) + 1) / 2.0**64)

    def __add__(self, other: "ColumnProfile") -> "ColumnProfile":
        """Return the profile of both stretches together."""
        levels, more = kept(dict(Counter(self.levels) + Counter(other.levels)), self.cuts)
        return ColumnProfile(
            cuts=self.cuts,
            bins=self.bins + other.bins,
            marks=_added(self.marks, other.marks),
            levels=levels,
            others=self.others + other.others + more,
            nulls=self.nulls + other.nulls,
            infinite=self.infinite + other.infinite,
            odd=self.odd + other.odd,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
        )


def _added(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add counts, either of which may be left out."""
    return a + b if len(a) == len(b) else a if len(a) else b


def kept(levels: dict[str, int], cuts: Cuts) -> tuple[dict[str, int], int]:
    """Return the levels that are counted apart, and the rows of the rest; see `tally.bounded`."""
    if len(levels) <= cuts.spare:
        return levels, 0
    known = set(cuts.levels)
    dropped = sorted((level for level in levels if level not in known), key=hashed)[cuts.spare :]
    return {v: n for v, n in levels.items() if v not in set(dropped)}, sum(levels[v] for v in dropped)


@dataclass(frozen=True, slots=True)
class Profile:
    """Profiles of the columns of a stretch of records."""

    columns: Mapping[str, ColumnProfile]

    def __add__(self, other: "Profile") -> "Profile":
        """Return the profile of both stretches together; both must come from the same binning."""
        return Profile({name: column + other.columns[name] for name, column in self.columns.items()})

    @property
    def rows(self) -> int:
        """Rows of the stretch."""
        return max((c.rows for c in self.columns.values()), default=0)


def empty(binning: Binning) -> Profile:
    """Return the identity: the profile of no records."""
    return Profile(
        {
            name: ColumnProfile(
                cuts=cuts, bins=np.zeros(cuts.bins, np.int64), marks=np.zeros(marks_kept(cuts, False), np.int64)
            )
            for name, cuts in binning.columns.items()
        }
    )


def profile_of(columns: Columns | Mapping[str, Column | Texts], binning: Binning) -> Profile:
    """Count a stretch of records. `columns` holds every column of the binning, of equal length."""
    cuts = list(binning.columns.values())
    m = measured([columns[name] for name in binning.columns], cuts)
    return profile_from(tallied(m, Grouping(np.zeros(m.rows, np.int64), 1)), binning)


def with_missing(columns: Mapping[str, Column | Texts], binning: Binning) -> dict[str, Column | Texts]:
    """Return the columns of a binning, in its order; one that there is not, as a description that failed, is null."""
    some = next(iter(columns.values()), np.zeros(0))
    rows = len(some.codes if isinstance(some, Texts) else some)
    null = Texts(np.full(rows, -1), [])
    texts = (Counted.CATEGORICAL, Counted.TEXT, Counted.DATETIME)
    return {
        name: columns[name] if _fits(columns.get(name), cuts) else null if cuts.kind in texts else np.full(rows, np.nan)
        for name, cuts in binning.columns.items()
    }


def _fits(column: Column | Texts | None, cuts: Cuts) -> bool:
    """Whether a column can be counted so: numbers and times by numbers, anything as levels or text."""
    if column is None or cuts.kind not in (Counted.NUMERIC, Counted.BOOLEAN):
        return column is not None
    return not isinstance(column, Texts) and column.dtype != object


def profile_from(tally: Tally, binning: Binning) -> Profile:
    """Return a tally with one entry a column of the binning, in their order, as a profile."""
    ends = np.searchsorted(tally.entry, np.arange(len(binning.columns) + 1))
    return Profile(
        {
            name: _column(tally, at, slice(*ends[at : at + 2].tolist()), cuts)
            for at, (name, cuts) in enumerate(binning.columns.items())
        }
    )


def _column(tally: Tally, at: int, cells: slice, cuts: Cuts) -> ColumnProfile:
    slot, count = tally.slot[cells], tally.count[cells]
    bins, marks, levels = (
        (slot >= low) & (slot < high) for low, high in ((0, MARKS), (MARKS, LEVELS), (LEVELS, np.inf))
    )
    return ColumnProfile(
        cuts=cuts,
        bins=_dense(slot[bins], count[bins], cuts.bins),
        marks=_dense(slot[marks] - MARKS, count[marks], marks_kept(cuts, bool(marks.any()))),
        levels=_named(tally.names, slot[levels] - LEVELS, count[levels]),
        others=int(tally.others[at]),
        nulls=int(tally.nulls[at]),
        infinite=int(tally.infinite[at]),
        odd=int(tally.odd[at]),
        total=float(tally.total[at]),
        squares=float(tally.squares[at]),
        low=float(tally.low[at]),
        high=float(tally.high[at]),
    )


def _dense(slot: NDArray[np.int64], count: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    out = np.zeros(size, np.int64)
    out[slot] = count
    return out


def _named(names: Sequence[str], slot: NDArray[np.int64], count: NDArray[np.int64]) -> dict[str, int]:
    return {names[s]: n for s, n in zip(slot.tolist(), count.tolist(), strict=True)}


@value
class _Stored:
    """One column of profile.json; `low` and `high` are null when there was nothing."""

    bins: tuple[int, ...]
    levels: dict[str, int]
    nulls: int
    total: float
    squares: float
    low: float | None
    high: float | None
    kind: Counted | None = None
    origin: float = 0.0
    marks: tuple[int, ...] = ()
    others: int = 0
    infinite: int = 0
    odd: int = 0


def profile_to_json(profile: Profile) -> bytes:
    """Encode a profile: an object with one entry a column."""
    return to_json(_by_column(profile))


def profile_from_json(raw: bytes, binning: Binning | None = None) -> Profile:
    """Decode what `profile_to_json` wrote; with its binning the profile can be added to others."""
    return _profile(from_json(raw, dict[str, _Stored]), binning)


def profiles_to_json(profiles: Mapping[str, Profile]) -> bytes:
    """Encode profiles by name."""
    return to_json({name: _by_column(profile) for name, profile in profiles.items()})


def profiles_from_json(raw: bytes, binning: Binning) -> dict[str, Profile]:
    """Decode what `profiles_to_json` wrote."""
    return {name: _profile(stored, binning) for name, stored in from_json(raw, dict[str, dict[str, _Stored]]).items()}


def _by_column(profile: Profile) -> dict[str, _Stored]:
    return {name: _stored(column) for name, column in profile.columns.items()}


def _profile(stored: Mapping[str, _Stored], binning: Binning | None) -> Profile:
    cuts = binning.columns if binning is not None else {}
    return Profile({name: _restored(column, cuts.get(name)) for name, column in stored.items()})


def _stored(column: ColumnProfile) -> _Stored:
    return _Stored(
        bins=tuple(column.bins.tolist()),
        levels=dict(column.levels),
        nulls=column.nulls,
        total=column.total,
        squares=column.squares,
        low=column.low if np.isfinite(column.low) else None,
        high=column.high if np.isfinite(column.high) else None,
        kind=column.cuts.kind,
        origin=column.cuts.origin,
        marks=tuple(column.marks.tolist()),
        others=column.others,
        infinite=column.infinite,
        odd=column.odd,
    )


def _restored(column: _Stored, cuts: Cuts | None) -> ColumnProfile:
    kind = column.kind or (Counted.NUMERIC if column.bins else Counted.CATEGORICAL)
    return ColumnProfile(
        cuts=replace(cuts or Cuts(kind=kind), origin=column.origin),
        bins=np.array(column.bins, np.int64),
        marks=np.array(column.marks, np.int64),
        levels=column.levels,
        others=column.others,
        nulls=column.nulls,
        infinite=column.infinite,
        odd=column.odd,
        total=column.total,
        squares=column.squares,
        low=np.inf if column.low is None else column.low,
        high=-np.inf if column.high is None else column.high,
    )
