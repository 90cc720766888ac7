"""The table `profiles`: counts by minute, hour and day, version, role, segment and column, so that windows are sums."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from setpoint.domain import tally as tallies
from setpoint.domain.counting import Grouping, Measured, measured, tallied
from setpoint.domain.profile import Binning, Cuts, Profile, profile_from, with_missing
from setpoint.domain.record import Role
from setpoint.domain.records import Column, Columns
from setpoint.domain.schema import Schema
from setpoint.domain.sensitive import sealed
from setpoint.domain.series import Series, series_from, stretches
from setpoint.domain.tally import LEVELS, IntArray, Tally
from setpoint.domain.texts import Texts
from setpoint.errors import InvalidInput

TIME = pa.timestamp("us", tz="UTC")
MINUTE_US = 60_000_000
GRAINS = (1, 60, 1_440)  # minutes
NUMBERS = ("nulls", "infinite", "odd", "others")
SUMS = ("total", "squares", "low", "high")
KEYS = ("grain", "start", "version", "role", "segment", "column")
PROFILES = pa.schema(
    [
        ("grain", pa.int32()),
        ("start", TIME),
        ("version", pa.string()),
        ("role", pa.string()),
        ("segment", pa.string()),
        ("column", pa.string()),
        ("bin", pa.list_(pa.int32())),
        ("level", pa.list_(pa.string())),
        ("count", pa.list_(pa.int64())),
        *((name, pa.int64()) for name in NUMBERS),
        *((name, pa.float64()) for name in SUMS),
    ]
)

Span = tuple[int, datetime, datetime]
Describe = Callable[[Columns], Columns]


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group each row belongs to, and the minute (counted since 1970), version and role of each group."""

    group: IntArray
    minute: IntArray
    version: pa.Array
    role: pa.Array


def profile_rows(table: pa.Table, schema: Schema, binning: Binning, describe: Describe | None = None) -> pa.Table:
    """Count the answered rows of the table `predictions`.

    Parameters
    ----------
    table : pyarrow.Table
        At least `time`, `version`, `role`, `status`, `inputs` and `outputs`; only rows of status 200 count.
    describe : callable, optional
        Given the inputs of those rows (see `inputs_of`), returns columns beside them under the names that the binning
        has for them, such as `Describer.columns`. A column of the binning that there is not is all null.

    Returns
    -------
    pyarrow.Table
        Rows of the table `profiles`, of all three grains, in order of segment, grain, time, version and role.
    """
    kept = _answered(table)
    if not kept.num_rows or not binning.columns:
        return PROFILES.empty_table()
    columns = _columns(kept, schema, binning, describe)
    m = measured([columns[name] for name in binning.columns], list(binning.columns.values()))
    return pa.concat_tables(_counted(m, _groups(kept), columns, binning))


def _answered(table: pa.Table) -> pa.Table:
    kept = table.select(["time", "version", "role", "status", "inputs", "outputs"])
    good = pc.equal(kept["status"], 200)
    return kept if pc.all(good, min_count=0).as_py() else kept.filter(good)


def inputs_of(table: pa.Table, schema: Schema) -> dict[str, Column]:
    """Return inputs from rows of `predictions`: numbers with NaN for null, or objects holding str and None.

    What only the key opens is null: a ciphertext is another one each time, and says nothing.
    """
    closed = {name: np.full(table.num_rows, None, object) for name in sealed(schema)}
    open_ = [name for name in schema.names if name not in closed]
    found = {name: _plain(pc.struct_field(table["inputs"], [name])) for name in open_}
    return {name: closed[name] if name in closed else found[name] for name in schema.names}


def _plain(values: Any) -> Column:
    found = _values(values)
    return np.array([*found.values, None], object)[found.codes] if isinstance(found, Texts) else found


def _columns(table: pa.Table, schema: Schema, binning: Binning, describe: Describe | None) -> dict[str, Column | Texts]:
    features = [name for name in schema.names if name in binning.columns and name not in sealed(schema)]
    columns = {name: _values(pc.struct_field(table["inputs"], [name])) for name in features}
    columns[schema.score] = _values(pc.struct_field(table["outputs"], [schema.score]))
    if schema.label in binning.columns:
        columns["label"] = _values(pc.struct_field(table["outputs"], ["label"]))
    beside = describe(inputs_of(table, schema)) if describe else {}
    return with_missing({**beside, **columns}, binning)


def _values(values: Any) -> Column | Texts:
    """Return a column of Arrow as numbers, or as texts coded by the dictionary."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        numbers: Column = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks() if coded.num_chunks else pa.array([], coded.type)
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Texts(codes, coded.dictionary.to_pylist())


def _groups(table: pa.Table) -> Groups:
    minutes = table["time"].cast(pa.int64()).to_numpy() // MINUTE_US
    version, role = (_values(table[name].cast(pa.string())) for name in ("version", "role"))
    assert isinstance(version, Texts)
    assert isinstance(role, Texts)
    first, versions, roles = int(minutes.min()), len(version.values), len(role.values)
    key = ((minutes - first) * versions + version.codes) * roles + role.codes
    found, group = np.unique(key, return_inverse=True)
    return Groups(
        group=group.astype(np.int64),
        minute=found // (versions * roles) + first,
        version=pa.array(version.values, pa.string()).take(pa.array(found // roles % versions)),
        role=pa.array(role.values, pa.string()).take(pa.array(found % roles)),
    )


def _counted(
    m: Measured, groups: Groups, columns: Mapping[str, Column | Texts], binning: Binning
) -> Iterator[pa.Table]:
    """Yield the rows of all, then those of the segments of each split."""
    yield from _grains(m, groups, np.zeros(m.rows, np.int64), ("",), binning)
    for name, split in binning.segments.items():
        yield from _grains(m, groups, split.codes(columns[name]), split.names(name), binning)


def _grains(
    m: Measured, groups: Groups, code: IntArray, segments: Sequence[str], binning: Binning
) -> Iterator[pa.Table]:
    names = tuple(dict.fromkeys(segments))  # a level may be called other too
    code = np.array([names.index(segment) for segment in segments])[code]
    found, group = np.unique(code * len(groups.minute) + groups.group, return_inverse=True)
    segment, base = found // len(groups.minute), found % len(groups.minute)
    tally = tallied(m, Grouping(group.astype(np.int64), len(found)))
    version, role = groups.version.take(pa.array(base)), groups.role.take(pa.array(base))
    kinds = np.stack([segment, _codes(version), _codes(role)])
    minute = groups.minute[base]
    for grain in GRAINS:
        start = minute // grain
        key, first, place = np.unique(
            np.vstack([kinds[:1], start, kinds[1:]]), axis=1, return_index=True, return_inverse=True
        )
        tally = _coarser(tally, place.ravel(), key.shape[1], m.cuts)
        kinds, minute = kinds[:, first], minute[first]
        version, role = version.take(pa.array(first)), role.take(pa.array(first))
        segment = pa.array(names, pa.string()).take(pa.array(kinds[0]))
        yield _table(tally, grain, minute // grain * grain, (version, role, segment), binning)


def _coarser(tally: Tally, place: IntArray, size: int, cuts: Sequence[Cuts]) -> Tally:
    wide = len(cuts)
    if size * wide == len(tally) and (place[1:] > place[:-1]).all():
        return tally
    column = np.arange(wide)
    return tallies.summed(tally, (place[:, None] * wide + column).ravel(), np.tile(column, size), cuts)


def _codes(texts: pa.Array) -> IntArray:
    codes: IntArray = texts.dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes


def _table(tally: Tally, grain: int, minute: IntArray, keys: Sequence[pa.Array], binning: Binning) -> pa.Table:
    wide = len(binning.columns)
    each = pa.array(np.repeat(np.arange(len(minute)), wide))
    version, role, segment = (key.take(each) for key in keys)
    return _rows(
        tally,
        {
            "grain": pa.array(np.full(len(tally), grain, np.int32)),
            "start": pa.array(np.repeat(minute, wide) * MINUTE_US).cast(TIME),
            "version": version,
            "role": role,
            "segment": segment,
            "column": pa.array(list(binning.columns), pa.string()).take(pa.array(tally.column)),
        },
    )


def _rows(tally: Tally, keys: Mapping[str, pa.Array]) -> pa.Table:
    """Return entries as rows of the table `profiles`; their cells are in order of entry."""
    level = tally.slot >= LEVELS
    names = pa.array(tally.names, pa.string())
    columns = {
        **keys,
        "bin": _lists(tally.entry[~level], pa.array(tally.slot[~level].astype(np.int32)), len(tally)),
        "level": _lists(tally.entry[level], names.take(pa.array(tally.slot[level] - LEVELS)), len(tally)),
        "count": _lists(tally.entry, pa.array(tally.count), len(tally)),
        **{name: pa.array(getattr(tally, name)) for name in (*NUMBERS, *SUMS)},
    }
    for name in ("low", "high"):
        columns[name] = pc.if_else(pc.is_finite(columns[name]), columns[name], pa.scalar(None, pa.float64()))
    return pa.table([columns[name] for name in PROFILES.names], schema=PROFILES)


def _lists(entry: IntArray, values: pa.Array, size: int) -> pa.Array:
    offsets = np.searchsorted(entry, np.arange(size + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def summed(rows: pa.Table, binning: Binning) -> Profile:
    """Return the sum of rows of the table `profiles`, whatever their keys; columns that the binning lacks are left out.

    Rows of one grain a stretch of time, and of one segment, are for the caller to choose: see `chosen`.
    """
    column = _places(rows["column"], binning)
    if (column < 0).any():
        rows, column = rows.filter(pa.array(column >= 0)), column[column >= 0]
    wide, cuts = np.arange(len(binning.columns)), list(binning.columns.values())
    return profile_from(tallies.summed(_tally(rows, column), column, wide, cuts), binning)


def series(
    rows: pa.Table, since: datetime, until: datetime, every: timedelta, binning: Binning, segments: Sequence[str]
) -> dict[str, Series]:
    """Return, by segment, the sums of rows of the table `profiles` over consecutive stretches; see `chosen_every`."""
    column = _places(rows["column"], binning)
    names = tuple(dict.fromkeys(segments))
    segment = _ranked(rows["segment"], names)
    keep = (column >= 0) & (segment >= 0)
    if not keep.all():
        rows, column, segment = rows.filter(pa.array(keep)), column[keep], segment[keep]
    count, cuts = stretches(since, until, every), list(binning.columns.values())
    stretch = (rows["start"].cast(pa.int64()).to_numpy() - _micros(since)) // (every // timedelta(microseconds=1))
    size = count * len(cuts)
    place = segment * size + stretch * len(cuts) + column
    whole = np.tile(np.arange(len(cuts)), count * len(names))
    tally = tallies.summed(_tally(rows, column), place, whole, cuts)
    return {
        name: series_from(tallies.part(tally, at * size, (at + 1) * size), since, every, binning)
        for at, name in enumerate(names)
    }


def _ranked(names: Any, known: Sequence[str]) -> IntArray:
    """Return the place of each name among those known; -1 for another."""
    coded = _values(names)
    assert isinstance(coded, Texts)
    place = {name: at for at, name in enumerate(known)}
    return np.array([*(place.get(v, -1) for v in coded.values), -1], np.int64)[coded.codes]


def compacted(rows: pa.Table, binning: Binning) -> pa.Table:
    """Return rows of the table `profiles` with those of equal keys added into one, in order of their keys."""
    rows = rows.select(PROFILES.names)
    if not rows.num_rows:
        return rows
    rows = rows.filter(pa.array(_places(rows["column"], binning) >= 0))
    key = np.stack([_ordered(rows[name]) for name in KEYS])
    order = np.lexsort(key[::-1])
    change = (np.diff(key[:, order], axis=1) != 0).any(axis=0)
    first = np.flatnonzero(np.concatenate([[True], change]))
    if len(first) == len(order):
        return rows.take(pa.array(order))
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(np.concatenate([[False], change]))
    column = _places(rows["column"], binning)
    kept = order[first]
    tally = tallies.summed(_tally(rows, column), place, column[kept], list(binning.columns.values()))
    keys = {name: rows[name].combine_chunks().take(pa.array(kept)) for name in KEYS}
    return _rows(tally, keys)


def _places(names: Any, binning: Binning) -> IntArray:
    """Return the place of each named column in the binning; -1 for one that it lacks."""
    return _ranked(names, list(binning.columns))


def _ordered(key: Any) -> IntArray:
    """Return numbers in the order of a key's values."""
    if not pa.types.is_string(key.type):
        numbers: IntArray = key.cast(pa.int64()).to_numpy()
        return numbers
    coded = _values(key)
    assert isinstance(coded, Texts)
    rank = np.argsort(np.argsort(np.array(coded.values, object)))
    return np.asarray(rank[coded.codes], np.int64)


def _tally(rows: pa.Table, column: IntArray) -> Tally:
    """Return rows of the table `profiles` as a tally."""
    bins, levels, counts = (rows[name].combine_chunks() for name in ("bin", "level", "count"))
    sizes = pc.list_value_length(counts).to_numpy().astype(np.int64)
    coded = _values(levels.flatten())
    assert isinstance(coded, Texts)
    entry = np.repeat(np.arange(len(column)), sizes)
    named = np.repeat(pc.list_value_length(levels).to_numpy() > 0, sizes)
    slot = np.empty(len(entry), np.int64)
    slot[named] = LEVELS + coded.codes
    slot[~named] = bins.flatten().to_numpy()
    low, high = (pc.fill_null(rows[name], fill).to_numpy() for name, fill in (("low", np.inf), ("high", -np.inf)))
    return Tally(
        column=column,
        nulls=rows["nulls"].to_numpy(),
        infinite=rows["infinite"].to_numpy(),
        odd=rows["odd"].to_numpy(),
        others=rows["others"].to_numpy(),
        total=rows["total"].to_numpy(),
        squares=rows["squares"].to_numpy(),
        low=low,
        high=high,
        entry=entry,
        slot=slot,
        count=counts.flatten().to_numpy(),
        names=coded.values,
    )


def spans(since: datetime, until: datetime) -> list[Span]:
    """Cover a window with the fewest rows: whole days, hours before and after them, minutes at both edges.

    Like the rows of a window, a minute belongs to it when it begins in it.

    Returns
    -------
    list of (grain in minutes, start, stop)
        In order of time, without gaps.
    """
    return [(grain, _moment(a), _moment(b)) for grain, a, b in _cover(_minute(since), _minute(until), GRAINS[::-1])]


def _cover(since: int, until: int, grains: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    if since >= until:
        return
    grain, *finer = grains
    first, last = -(-since // grain) * grain, until // grain * grain
    if first >= last:
        yield from _cover(since, until, finer)
        return
    yield from _cover(since, first, finer)
    yield grain, first, last
    yield from _cover(last, until, finer)


EPOCH = datetime.fromisoformat("1970-01-01T00:00+00:00")


def _micros(when: datetime) -> int:
    return (when - EPOCH) // timedelta(microseconds=1)


def _minute(when: datetime) -> int:
    return -((EPOCH - when) // timedelta(minutes=1))


def _moment(minute: int) -> datetime:
    return EPOCH + minute * timedelta(minutes=1)


def within(spans: Sequence[Span]) -> pc.Expression:
    """Return the condition that a row of the table `profiles` is of one of these spans."""
    found, start = pc.scalar(False), pc.field("start")
    for grain, since, until in spans:
        here = (start >= pa.scalar(since, TIME)) & (start < pa.scalar(until, TIME))
        found = found | ((pc.field("grain") == grain) & here)
    return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rows of the table `profiles` a sum is made of: of each time one grain, of one role, a version or all."""

    spans: tuple[Span, ...]
    role: Role
    version: str | None
    segments: tuple[str, ...]

    @property
    def expression(self) -> pc.Expression:
        """The condition, for tables that Arrow reads."""
        found = within(self.spans) & (pc.field("role") == self.role.value)
        found = found & pc.field("segment").isin(list(self.segments))
        return found if self.version is None else found & (pc.field("version") == self.version)

    def among(self, keys: Mapping[str, IntArray], codes: Mapping[str, int]) -> NDArray[np.bool_]:
        """Return which rows they are, by their keys as numbers: `start` in microseconds, texts by their codes."""
        found = np.zeros(len(keys["start"]), bool)
        for grain, since, until in self.spans:
            here = (keys["start"] >= _micros(since)) & (keys["start"] < _micros(until))
            found |= here & (keys["grain"] == grain)
        found &= keys["role"] == codes.get(self.role.value, -1)
        found &= np.isin(keys["segment"], [codes[name] for name in self.segments if name in codes])
        return found if self.version is None else found & (keys["version"] == codes.get(self.version, -1))


def chosen(
    since: datetime, until: datetime, *, role: Role = Role.CHAMPION, version: str | None = None, segment: str = ""
) -> Chosen:
    """Return the rows of the table `profiles` whose sum is the profile of a window: of each time, one grain."""
    return Chosen(tuple(spans(since, until)), role, version, (segment,))


def chosen_every(
    since: datetime,
    until: datetime,
    every: timedelta,
    *,
    role: Role = Role.CHAMPION,
    version: str | None = None,
    segments: Sequence[str] = ("",),
) -> Chosen:
    """Return the rows of the table `profiles` whose sums are the profiles of consecutive stretches.

    Those that the window holds whole are summed from the longest grain that divides them.

    Raises
    ------
    InvalidInput
        If `every` is not a number of whole minutes.
    """
    if every < timedelta(minutes=1) or every % timedelta(minutes=1):
        raise InvalidInput(f"profiles are kept by the minute; {every} is not a number of whole minutes")
    first, step = _minute(since), every // timedelta(minutes=1)
    last = first + max(_minute(until) - first, 0) // step * step
    grain = max(g for g in GRAINS if step % g == 0 and first % g == 0)
    whole = (grain, _moment(first), _moment(last))
    return Chosen((whole, *spans(_moment(last), until)), role, version, tuple(segments))
