"""Profiles in long form: counts and moments by minute, version, column and bin, so that windows are sums."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.keys import CIPHER
from setpoint.domain.profile import Binning, ColumnProfile, Cuts, Profile, empty
from setpoint.domain.record import Role
from setpoint.domain.records import Column, stamp
from setpoint.domain.schema import Kind, Schema
from setpoint.store.batch import Batch
from setpoint.store.growing import Growing

MINUTE_US = 60_000_000
NULL = -1  # the bin of missing values
NUMBERS = ("count", "total", "squares", "low", "high")
KEYS = ("minute", "version", "column", "bin", "level")


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells, every array of shape (n,).

    `minute` is microseconds since the epoch, rounded down; `bin` is -1 for nulls and 0 for levels, whose text is in
    `level`.
    """

    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.columns["minute"])


def cells_of(batch: Batch, schema: Schema, binning: Binning) -> Cells:
    """Count the champion's answered rows of a batch."""
    keep = (batch.fixed["status"] == 200) & (batch.fixed["role"] == Role.CHAMPION.value)
    minutes = batch.fixed["time"][keep] // MINUTE_US * MINUTE_US
    moments, minute = np.unique(minutes, return_inverse=True)
    versions, version = np.unique(batch.fixed["version"][keep].astype(str), return_inverse=True)
    group = minute * len(versions) + version
    parts = []
    for name, cuts in binning.columns.items():
        values = (batch.outputs if name == schema.score else batch.inputs)[name][keep]
        columns, groups = _column(values, cuts, group)
        columns["minute"], columns["version"] = moments[groups // len(versions)], versions[groups % len(versions)]
        columns["column"] = np.full(len(groups), name, object)
        parts.append(columns)
    cells = {name: np.concatenate([p[name] for p in parts]) for name in KEYS + NUMBERS}
    return Cells(cells | {"version": cells["version"].astype(object)})


def _column(values: Column, cuts: Cuts, group: NDArray[Any]) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
    """Return the cells of one column, but for their key, and the group of each."""
    if cuts.kind is Kind.CATEGORICAL:
        missing = values == np.array(None)
        levels, slot = np.unique(np.where(missing, "", values).astype(str), return_inverse=True)
        missing = missing | np.char.startswith(levels, CIPHER)[slot]  # another one each time: nothing to count
        numbers = np.zeros(len(values))
    else:
        missing, levels, numbers = np.isnan(values), None, values
        slot = np.searchsorted(np.asarray(cuts.edges), values, side="left")
    slot = np.where(missing, NULL, slot)
    width = int(slot.max(initial=0)) + 2
    key, place = np.unique(group * width + slot + 1, return_inverse=True)
    groups, bins = key // width, key % width - 1
    numbers = np.where(missing, 0.0, numbers)
    low, high = np.full(len(key), np.inf), np.full(len(key), -np.inf)
    if levels is None:
        np.minimum.at(low, place[~missing], numbers[~missing])
        np.maximum.at(high, place[~missing], numbers[~missing])
    level = np.full(len(key), None, object)
    if levels is not None:
        level[bins != NULL] = levels.astype(object)[bins[bins != NULL]]
        bins = np.minimum(bins, 0)
    return {
        "bin": bins.astype(np.int64),
        "level": level,
        "count": np.bincount(place, minlength=len(key)),
        "total": np.bincount(place, numbers, len(key)),
        "squares": np.bincount(place, np.square(numbers), len(key)),
        "low": low,
        "high": high,
    }, groups


class CellStore:
    """Cells in memory, and their sums over windows."""

    def __init__(self, binning: Binning) -> None:
        self._binning = binning
        self._cells = Growing()
        self._codes: dict[str, dict[Any, int]] = {"version": {}, "level": {None: 0}}
        self._columns = {name: i for i, name in enumerate(binning.columns)}

    def add(self, cells: Cells) -> None:
        """Take cells in."""
        if not len(cells):
            return
        columns = {name: cells.columns[name] for name in ("minute", "bin", *NUMBERS)}
        for name, codes in self._codes.items():
            columns[name] = np.array([codes.setdefault(v, len(codes)) for v in cells.columns[name]], np.int64)
        columns["column"] = np.array([self._columns[v] for v in cells.columns["column"]], np.int64)
        self._cells.splice(len(self._cells), columns)

    def profile(self, since: datetime, until: datetime, version: str | None) -> Profile:
        """Return the sum of the cells whose minute lies in the window."""
        profile = empty(self._binning)
        if not len(self._cells):
            return profile
        minute = self._cells["minute"]
        keep = (minute >= stamp(since).astype(np.int64)) & (minute < stamp(until).astype(np.int64))
        if version is not None:
            keep &= self._cells["version"] == self._codes["version"].get(version, -1)
        rows = np.flatnonzero(keep)
        column = self._cells["column"][rows]
        sums = {name: self._sum(rows[column == code], self._binning.columns[name], base=profile.columns[name])
                for name, code in self._columns.items()}  # fmt: skip
        return Profile(sums)

    def _sum(self, rows: NDArray[Any], cuts: Cuts, base: ColumnProfile) -> ColumnProfile:
        if not len(rows):
            return base
        bins, count = self._cells["bin"][rows], self._cells["count"][rows]
        nulls = int(count[bins == NULL].sum())
        filled = rows[bins != NULL]
        if cuts.kind is Kind.CATEGORICAL:
            names = list(self._codes["level"])
            codes = self._cells["level"][filled]
            totals = np.bincount(codes, self._cells["count"][filled], len(names)).astype(np.int64)
            levels = {names[code]: int(totals[code]) for code in np.flatnonzero(totals)}
            return ColumnProfile(bins=base.bins, levels=levels, nulls=nulls)
        return ColumnProfile(
            bins=np.bincount(bins[bins != NULL], count[bins != NULL], len(base.bins)).astype(np.int64),
            nulls=nulls,
            total=float(self._cells["total"][filled].sum()),
            squares=float(self._cells["squares"][filled].sum()),
            low=float(self._cells["low"][filled].min(initial=np.inf)),
            high=float(self._cells["high"][filled].max(initial=-np.inf)),
        )
