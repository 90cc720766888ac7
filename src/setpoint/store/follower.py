"""One model on disk: three tables that follow its spool, and what of it is in memory."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.dataset as ds

from setpoint.domain.profile import Binning
from setpoint.domain.record import InferenceRecord, Ingested, Outcome, OutcomeReceipt
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.ports import Recorder
from setpoint.store import arrow
from setpoint.store.batch import Batch, batch_of, objects, sound
from setpoint.store.cells import Cells, cells_of
from setpoint.store.framing import Scan
from setpoint.store.outcomes import Kept
from setpoint.store.segments import FIRST, follow, keep, segments
from setpoint.store.shelf import Shelf
from setpoint.store.spool import OUTCOMES, RECORDS
from setpoint.store.tables import Table

FOLD_ROWS = 5_000  # rows that wait for their commit, at most: small commits are dear
FOLD_EVERY_S = 60.0
KEEP_ROWS = 2_000_000  # memory is given back at the next read beyond this
NOTHING = date.max  # a floor above every day

_decode_record = msgspec.msgpack.Decoder(InferenceRecord).decode
_decode_outcomes = msgspec.msgpack.Decoder(list[Outcome]).decode


@dataclass(slots=True)
class Pending:
    """What was read from the spool and is not committed yet; the spool still holds it."""

    batches: list[Batch] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    outcomes: list[Kept] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows that wait, of records and outcomes."""
        return sum(len(part) for parts in (self.batches, self.outcomes) for part in parts)

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self.batches or self.cells or self.outcomes)


@dataclass(slots=True)
class Place:
    """How far a segment was read: `at` in memory, `committed` by the tables, and by each when it was first seen."""

    at: int
    committed: int
    rows: int  # by predictions, or by outcomes
    cells: int  # by profiles


class Follower:
    """Follows one model's spool, into memory at once and into the tables by and by.

    What can be read is the tables and, behind their cursors, the spool itself. So every process sees every record, and
    a commit may wait until it is worth its price. `ingest` and `receive` are for the process that holds the lock.
    """

    def __init__(self, folder: Path, spool: Path, schema: Schema, binning: Binning) -> None:
        self.schema = schema
        self.binning = binning
        self._spool = spool
        self._predictions = Table(folder / "predictions", arrow.prediction_schema(schema), by_day=True)
        self._profiles = Table(folder / "profiles", arrow.PROFILES, by_day=False)
        self._outcomes = Table(folder / "outcomes", arrow.OUTCOMES, by_day=False)
        self._tables = (self._predictions, self._profiles, self._outcomes)
        self._counted: dict[str, int] = {}
        self._moved = Ingested()
        self._folded = time.monotonic()
        self._floor = NOTHING
        self._forget()

    def reach(self, day: date | None, *, with_spool: bool) -> Shelf:
        """Return memory that is up to date and reaches back to a day; None needs no rows."""
        if day is not None and (day < self._floor or (day > self._floor and len(self.shelf.rows) > KEEP_ROWS)):
            self._floor = day
            self._loaded = False
        if self._loaded and with_spool:
            self._consume(mend=False)
        while not self._loaded or self._outdated():
            self._load()
            self._consume(mend=False)
        return self.shelf

    def recorded(self, day: date | None, ids: Sequence[str] | None) -> pa.Table:
        """Return rows of predictions, committed or not: at least those asked for. Call `reach` before."""
        where = None if ids is None else ds.field("id").isin(list(ids))
        waiting = arrow.predictions(self._pending.batches, self.schema)
        return pa.concat_tables([self._predictions.load(day=day, where=where), waiting])

    def ingest(self) -> Ingested:
        """Read on, commit what is worth it, delete what is done with; return what moved since the last time."""
        self._follow_and_fold()
        moved, self._moved = self._moved, Ingested()
        return moved

    def receive(self, model: str, outcomes: Sequence[Outcome], recorder: Recorder) -> OutcomeReceipt:
        """Put the outcomes that are new into the spool, and read them from there."""
        self._follow_and_fold()
        self._know_ids()
        kept, receipt = self.shelf.outcomes.judge(outcomes, self.schema)
        recorder.append_outcomes(model, kept.outcomes)
        before = self._moved.outcomes
        self._consume(mend=True)
        self._moved = replace(self._moved, outcomes=before)
        return receipt

    def _forget(self) -> None:
        self.shelf = Shelf(self.schema, self.binning)
        self._places: dict[str, Place] = {}
        self._finished: dict[str, Path] = {}
        self._pending = Pending()
        self._ids_known = False
        self._loaded = False

    def _outdated(self) -> bool:
        return any(table.outdated() for table in self._tables)

    def _load(self) -> None:
        """Read the tables into memory, from the floor on; outcomes always whole."""
        self._forget()
        for table in self._tables:
            table.refresh()
        arrow.put_outcomes(self._outcomes.load(), self.shelf.outcomes)
        if self._floor < NOTHING:
            self.shelf.rows.add(arrow.batch_from(self._predictions.load(day=self._floor), self.schema))
            self.shelf.cells.add(arrow.cells_from(self._profiles.load(day=self._floor)))
        self._loaded = True

    def _know_ids(self) -> None:
        if not self._ids_known:
            stored = self._predictions.load(columns=["id"])["id"].to_pylist()
            for ids in (objects(stored), *(batch.fixed["id"] for batch in self._pending.batches)):
                self.shelf.outcomes.expect(ids)
            self._ids_known = True

    def _follow_and_fold(self) -> None:
        if not self._loaded or self._outdated():
            self._load()
        for _ in self._advance(mend=True):
            if self._pending.rows >= FOLD_ROWS:
                self._fold()
        late = time.monotonic() - self._folded >= FOLD_EVERY_S
        if self._pending and (late or self._finished):
            self._fold()
        for name, path in self._finished.items():
            path.unlink(missing_ok=True)
            self._counted.pop(name, None)
            self._places.pop(name, None)
        self._finished.clear()

    def _fold(self) -> None:
        """Commit what is pending, each table with its cursors; if that fails half-way, memory starts anew."""
        self._loaded = False
        pending, ends = self._pending, {n: p.at for n, p in self._places.items() if p.at != p.committed}
        records = {name: at for name, at in ends.items() if name.endswith(RECORDS)}
        told = {name: at for name, at in ends.items() if name.endswith(OUTCOMES)}
        if pending.batches:
            self._predictions.append(arrow.predictions(pending.batches, self.schema), records)
        if pending.cells:
            self._profiles.append(arrow.profiles(pending.cells), records)
        if pending.outcomes:
            self._outcomes.append(arrow.told(pending.outcomes, self._outcomes.rows), told)
        for table in self._tables:
            table.tidy()
        for name, at in ends.items():
            self._places[name].committed = at
        self._pending, self._loaded, self._folded = Pending(), True, time.monotonic()

    def _consume(self, *, mend: bool) -> None:
        for _ in self._advance(mend=mend):
            pass

    def _advance(self, *, mend: bool) -> Iterator[None]:
        """Read every segment on, records first; pauses after each chunk that held something."""
        for path in (*segments(self._spool, RECORDS), *segments(self._spool, OUTCOMES)):
            place = self._places.get(path.name)
            if place is None:
                place = self._places[path.name] = self._place(path.name)
            moving = True
            while moving:
                found = follow(path, place.at, mend=mend)
                moving = found.scan.end > place.at
                self._take(path, place, found.scan, mend=mend)
                place.at = found.scan.end
                if found.finished:
                    self._finished[path.name] = path
                if moving:
                    yield

    def _place(self, segment: str) -> Place:
        if segment.endswith(OUTCOMES):
            rows = cells = self._outcomes.cursor(segment) or FIRST
        else:
            rows = self._predictions.cursor(segment) or FIRST
            cells = self._profiles.cursor(segment) or FIRST
        at = min(rows, cells)
        return Place(at=at, committed=at, rows=rows, cells=cells)

    def _take(self, path: Path, place: Place, scan: Scan, *, mend: bool) -> None:
        """Take frames into memory; those that say nothing are set aside."""
        decode = _records if path.suffix == RECORDS else _told
        good: list[tuple[int, list[Any]]] = []
        bad = [start for start, _ in scan.corrupt]
        for at, payload in scan.frames:
            things = decode(payload)
            if things is not None:
                good.append((at, things))
                continue
            bad.append(at)
            if mend:
                keep(path, at, payload)
        if path.suffix == RECORDS:
            self._take_records([(at, record) for at, records in good for record in records], place)
        else:
            self._take_outcomes([outcome for at, told in good for outcome in told if at >= place.rows])
        since = max(self._counted.get(path.name, 0), place.rows)
        self._counted[path.name] = max(since, scan.end)
        self._count(path, sum(len(t) for at, t in good if at >= since), sum(at >= since for at in bad), scan.torn)

    def _count(self, path: Path, things: int, corrupt: int, torn: int) -> None:
        m, records = self._moved, path.suffix == RECORDS
        self._moved = Ingested(
            records=m.records + (things if records else 0),
            outcomes=m.outcomes + (0 if records else things),
            torn_bytes=m.torn_bytes + torn,
            corrupt_frames=m.corrupt_frames + corrupt,
        )

    def _take_records(self, found: list[tuple[int, InferenceRecord]], place: Place) -> None:
        rows = [r for at, r in found if at >= place.rows]
        cells = [r for at, r in found if at >= place.cells]
        batch = batch_of(rows, self.schema)
        counted = batch if len(rows) == len(cells) else batch_of(cells, self.schema)
        if rows:
            self._pending.batches.append(batch)
            if self._floor < NOTHING:
                self.shelf.rows.add(batch)
            if self._ids_known:
                self.shelf.outcomes.expect(batch.fixed["id"])
        if cells:
            profile = cells_of(counted, self.schema, self.binning)
            self._pending.cells.append(profile)
            if self._floor < NOTHING:
                self.shelf.cells.add(profile)

    def _take_outcomes(self, outcomes: list[Outcome]) -> None:
        kept, _ = self.shelf.outcomes.judge(outcomes, self.schema)
        if len(kept):
            self._pending.outcomes.append(kept)
            self.shelf.outcomes.put(kept)


def _records(payload: bytes) -> list[InferenceRecord] | None:
    try:
        record = _decode_record(payload)
    except msgspec.DecodeError:
        return None
    return [record] if sound(record) else None


def _told(payload: bytes) -> list[Outcome] | None:
    try:
        return _decode_outcomes(payload)
    except msgspec.DecodeError:
        return None
