"""Profiles of columns: a monoid, so that any window is a sum of its parts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Kind, Schema
from setpoint.domain.value import from_json, to_json, value

INNER_BINS = 64


@value
class Cuts:
    """How one column is counted.

    Numeric: `edges` are cut points (reference quantiles). Bin 0 holds what is below the reference, the last bin what is
    above it. Categorical: every level is its own bin, and `edges` is empty.
    """

    kind: Kind
    edges: tuple[float, ...] = ()


@value
class Binning:
    """The cuts of every column of a model, fixed at its first deployment so that profiles of all versions add up."""

    columns: dict[str, Cuts]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """Counts of one column: `bins` of shape (len(edges) + 1,), `levels`, nulls, moments and extremes of the rest."""

    bins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    levels: Mapping[str, int] = field(default_factory=dict)
    nulls: int = 0
    total: float = 0.0
    squares: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    @property
    def filled(self) -> int:
        """Rows that are not null."""
        return int(self.bins.sum()) + sum(self.levels.values())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.filled + self.nulls

    @property
    def mean(self) -> float:
        """Mean of what is not null (numeric columns); NaN when there is nothing."""
        return self.total / self.filled if self.filled else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of what is not null (numeric columns); NaN when there is nothing."""
        if not self.filled:
            return float("nan")
        return float(np.sqrt(max(self.squares / self.filled - self.mean**2, 0.0)))

    def __add__(self, other: "ColumnProfile") -> "ColumnProfile":
        """Return the profile of both stretches together."""
        return ColumnProfile(
            bins=self.bins + other.bins,
            levels=dict(Counter(self.levels) + Counter(other.levels)),
            nulls=self.nulls + other.nulls,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
        )


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


def cuts_of(column: Column, kind: Kind) -> Cuts:
    """Cut a reference column at its quantiles (at most `INNER_BINS` bins, fewer when values repeat)."""
    if kind is Kind.CATEGORICAL:
        return Cuts(kind=kind)
    values = column[np.isfinite(column.astype(np.float64))].astype(np.float64)
    if not len(values):
        return Cuts(kind=kind, edges=(0.0,))
    inner = np.unique(np.quantile(values, np.linspace(0, 1, INNER_BINS + 1), method="inverted_cdf"))
    inner = np.concatenate([[np.nextafter(inner[0], -np.inf)], inner])
    return Cuts(kind=kind, edges=tuple(float(e) for e in np.unique(inner)))


def binning_of(reference: Columns, schema: Schema, score: Column) -> Binning:
    """Return the cuts for the features and for the model's score on the reference rows."""
    cuts = {f.name: cuts_of(reference[f.name], f.kind) for f in schema.features}
    return Binning(columns={**cuts, schema.score: cuts_of(score, Kind.NUMERIC)})


def empty(binning: Binning) -> Profile:
    """Return the identity: the profile of no records."""
    return Profile(
        {
            name: ColumnProfile(bins=np.zeros(len(cuts.edges) + 1 if cuts.edges else 0, np.int64))
            for name, cuts in binning.columns.items()
        }
    )


def profile_of(columns: Columns, binning: Binning) -> Profile:
    """Count a stretch of records. `columns` holds every column of the binning, of equal length."""
    return Profile({name: _column(columns[name], cuts) for name, cuts in binning.columns.items()})


def _column(values: Column, cuts: Cuts) -> ColumnProfile:
    if cuts.kind is Kind.CATEGORICAL:
        filled = [str(v) for v in values if v is not None]
        return ColumnProfile(levels=dict(Counter(filled)), nulls=len(values) - len(filled))
    numbers = values.astype(np.float64)
    filled_ = numbers[~np.isnan(numbers)]
    size = len(cuts.edges) + 1
    bins = np.bincount(np.searchsorted(np.asarray(cuts.edges), filled_, side="left"), minlength=size)
    if not len(filled_):
        return ColumnProfile(bins=bins.astype(np.int64), nulls=len(numbers))
    return ColumnProfile(
        bins=bins.astype(np.int64),
        nulls=len(numbers) - len(filled_),
        total=float(filled_.sum()),
        squares=float(np.square(filled_).sum()),
        low=float(filled_.min()),
        high=float(filled_.max()),
    )


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


def profile_to_json(profile: Profile) -> bytes:
    """Encode a profile: an object with one entry a column."""
    return to_json({name: _stored(column) for name, column in profile.columns.items()})


def profile_from_json(raw: bytes) -> Profile:
    """Decode what `profile_to_json` wrote."""
    return Profile({name: _restored(column) for name, column in from_json(raw, dict[str, _Stored]).items()})


def _stored(column: ColumnProfile) -> _Stored:
    return _Stored(
        bins=tuple(column.bins.tolist()),
        levels=dict(column.levels),
        nulls=column.nulls,
        total=column.total,
        squares=column.squares,
        low=column.low if column.filled and np.isfinite(column.low) else None,
        high=column.high if column.filled and np.isfinite(column.high) else None,
    )


def _restored(column: _Stored) -> ColumnProfile:
    return ColumnProfile(
        bins=np.array(column.bins, np.int64),
        levels=column.levels,
        nulls=column.nulls,
        total=column.total,
        squares=column.squares,
        low=np.inf if column.low is None else column.low,
        high=-np.inf if column.high is None else column.high,
    )
