"""Which rows a training set is made of: decided by times, outcomes and ids alone, before any column is touched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from setpoint.domain.erased import NOBODY, ErasedIds
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.training_set import Base, LeftOut, Step

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the rows of the reference beside their columns; arrays of shape (n,), or None.

    `ids` are texts and None, `time` is datetime64[us] with NaT.
    """

    rows: int
    ids: Column | None = None
    time: Column | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The latest `rows` rows (None: all), of those at `since` or later, and what the reference is to it."""

    rows: int | None = None
    since: datetime | None = None
    reference: Base = Base.OLDEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Rows of the reference and of the log, in their order, and the steps that chose them."""

    reference: Rows
    log: Rows
    steps: tuple[Step, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.reference) + len(self.log)

    def then(self, name: str, reference: Rows, log: Rows, **counts: float) -> "Chosen":
        """Return what a step has left of them."""
        step = Step(name=name, rows_in=len(self), rows_out=len(reference) + len(log), counts=counts)
        return Chosen(reference=reference, log=log, steps=(*self.steps, step))


NONE = np.empty(0, np.int64)
DOUBTFUL, WINDOW = "doubtful_spans", "window"


def choose(
    reference: Known,
    records: Records,
    *,
    until: datetime,
    as_of: datetime,
    exclude: Sequence[LeftOut] = (),
    erased: ErasedIds = NOBODY,
    window: Window | None = None,
) -> Chosen:
    """Return the rows of a training set: those of the reference, then those of the log in time order.

    Parameters
    ----------
    records : Records
        Rows of the log in time order.
    until : datetime
        Rows at that event time or later are left out.
    as_of : datetime
        Outcomes known after it are left out.
    exclude : sequence of LeftOut
        Spans whose rows are dropped.
    erased : ErasedIds
        Of which no row is taken, wherever it comes from.
    """
    window = window or Window()
    chosen = Chosen(reference=NONE, log=NONE)
    chosen = chosen.then("reference", _before(reference, until), NONE, rows=reference.rows)
    labelled, late = _usable(records, until, as_of)
    counts = {"recorded": len(records), "without_outcome": len(records) - len(labelled) - late, "too_late": late}
    chosen = chosen.then("log", chosen.reference, labelled, **counts)
    chosen = chosen.then(DOUBTFUL, chosen.reference, outside(records, chosen.log, exclude), spans=len(exclude))
    chosen = _without_erased(chosen, reference, records, erased)
    chosen = _last_of_each_id(chosen, reference, records)
    return _windowed(chosen, reference, records, window)


def usable(records: Records, until: datetime, as_of: datetime, exclude: Sequence[LeftOut] = ()) -> Rows:
    """Return the rows of the log that can be learnt from: before a time, labelled by another, of sound stretches."""
    return outside(records, _usable(records, until, as_of)[0], exclude)


def _before(reference: Known, until: datetime) -> Rows:
    """Return the rows of the reference that are not of the future, as far as it says when they were."""
    every = np.arange(reference.rows)
    return every if reference.time is None else every[~(reference.time >= stamp(until))]


def _usable(records: Records, until: datetime, as_of: datetime) -> tuple[Rows, int]:
    """Return the labelled rows before a time, and how many there are whose outcome was not known in time."""
    labelled = ~np.isnat(records.known)
    known = labelled & (records.known <= stamp(as_of))
    before = records.time < stamp(min(until, as_of))  # what had not happened was not known, whatever its outcome says
    return np.flatnonzero(known & before), int((labelled & ~(known & before)).sum())


def outside(records: Records, rows: Rows, exclude: Sequence[LeftOut]) -> Rows:
    """Return those of some rows that come from none of the stretches."""
    keep = np.ones(len(rows), bool)
    for span in exclude:
        for when in (records.time, records.known) if span.arrivals else (records.time,):
            keep &= (when[rows] < stamp(span.since)) | (when[rows] >= stamp(span.until))
    return rows[keep]


def _without_erased(chosen: Chosen, reference: Known, records: Records, erased: ErasedIds) -> Chosen:
    log = chosen.log[~erased.among(records.id[chosen.log])]
    old = chosen.reference
    if reference.ids is not None:
        old = old[~erased.among(reference.ids[old])]
    lost = len(chosen) - len(old) - len(log)
    return chosen.then("erased_ids", old, log, erased=lost)


def _last_of_each_id(chosen: Chosen, reference: Known, records: Records) -> Chosen:
    """Of rows with one id the last is kept; a row of the log comes after any of the reference."""
    old = np.full(len(chosen.reference), None, object) if reference.ids is None else reference.ids[chosen.reference]
    keep = last_of_each(np.concatenate([old, records.id[chosen.log]]))
    split = len(chosen.reference)
    return chosen.then("last_of_each_id", chosen.reference[keep[:split]], chosen.log[keep[split:]])


def last_of_each(ids: Column) -> Mask:
    """Return which rows are the last with their id, shape (n,); a row without one stands for itself."""
    codes = pa.array(ids, pa.string()).dictionary_encode().indices
    known = codes.is_valid().to_numpy(zero_copy_only=False)
    code = codes.fill_null(0).to_numpy()[known].astype(np.int64)
    at = np.flatnonzero(known)
    last = np.zeros(int(code.max(initial=-1)) + 1, np.int64)
    last[code] = at  # of several the last one stays
    keep: Mask = ~known
    keep[last[code]] = True
    return keep


def _windowed(chosen: Chosen, reference: Known, records: Records, window: Window) -> Chosen:
    old, log = chosen.reference, chosen.log
    if window.since is not None:
        log = log[records.time[log] >= stamp(window.since)]
        if window.reference is Base.OLDEST:
            old = old[reference.time[old] >= stamp(window.since)] if reference.time is not None else NONE
    if window.reference is Base.NEVER:
        old = NONE
    if window.rows is not None:
        log = _latest(log, window.rows)
        if window.reference is Base.OLDEST:
            old = _latest(old, window.rows - len(log))
    counts: dict[str, Any] = {} if window.rows is None else {"rows": window.rows}
    return chosen.then(WINDOW, old, log, **counts)


def _latest(rows: Rows, most: int) -> Rows:
    return rows[max(0, len(rows) - most) :] if most > 0 else NONE
