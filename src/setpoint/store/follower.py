"""One model on disk: three tables that follow its spool, and what was read of the spool and is in none of them yet."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from setpoint.domain.profile import Binning
from setpoint.domain.record import (
    EARLIEST_US,
    LATEST_US,
    Erasure,
    Expired,
    Ingested,
    Layout,
    Outcome,
    OutcomeReceipt,
)
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.store.batch import batch_from
from setpoint.store.erasures import Erasures, without_own_id
from setpoint.store.forgetting import Erased, Subject, expire, expire_quarantined, held
from setpoint.store.framing import Scan
from setpoint.store.ids import by_day, hashes
from setpoint.store.model_tables import model_tables
from setpoint.store.outcomes import Kept, Outcomes, Predicted
from setpoint.store.packing import Packed, decode_outcomes, records_in, uncollected
from setpoint.store.predictions import prediction_schema, rows_of
from setpoint.store.profiler import Profiler
from setpoint.store.profiles import PROFILES
from setpoint.store.segments import FIRST, follow, keep, layout_in, segments
from setpoint.store.shelf import Shelf
from setpoint.store.spool import OUTCOMES, RECORDS
from setpoint.store.tidying import make_index, tidy
from setpoint.store.told import kept_rows, outcomes_from, placed

FOLD_ROWS = 50_000  # rows that wait for their commit, at most: small commits are dear
FOLD_EVERY_S = 60.0
STRETCH_BYTES = 32 * 2**20  # of compressed predictions, read at once
KEEP_ROWS = 2_000_000  # in memory; given back at the next read beyond this
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Pending:
    """What was read from the spool and is not committed yet; the spool still holds it."""

    predictions: list[pa.Table] = field(default_factory=list)
    counted: list[pa.Table] = field(default_factory=list)  # rows of predictions that no profile has
    outcomes: list[Kept] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows that wait, of records and outcomes."""
        rows: int = sum(part.num_rows for part in self.predictions)
        return rows + sum(map(len, self.outcomes))

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self.predictions or self.counted or self.outcomes)


@dataclass(slots=True)
class Place:
    """How far a segment was read: `at` in memory, `committed` by the tables, and by each when it was first seen."""

    at: int
    committed: int
    rows: int  # by predictions, or by outcomes
    profiles: int
    layout: Layout | None = None


class Follower:
    """Follows one model's spool, into memory at once and into the tables by and by.

    What can be read is the tables and, behind their cursors, the spool itself. So every process sees every record, and
    a commit may wait until it is worth its price. `ingest` and `receive` are for the process that holds the lock.
    """

    def __init__(self, folder: Path, spool: Path, schema: Schema, binning: Binning) -> None:
        self.schema = schema
        self.profiler = Profiler(schema, binning)
        self._spool = spool
        self._types = prediction_schema(schema)
        self.tables = model_tables(folder, schema)
        self.erasures = Erasures(folder / "erasures", spool, sensitive=schema.sensitive_id is not None)
        self._counted: dict[str, int] = {}
        self._moved = Ingested()
        self._folded = time.monotonic()
        self._amended: datetime | None = None  # the earliest interval of a profile that got an amendment
        self._places: dict[str, Place] = {}
        self._finished: dict[str, Path] = {}
        self.pending = Pending()
        self._unjudged: list[Outcome] = []
        self._counts = 0, PROFILES.empty_table()
        self._shelf: Shelf | None = None
        self._floor = date.max
        self._sound = True

    def refresh(self, *, with_spool: bool) -> None:
        """See what others have committed and, with the spool, what nobody has."""
        if with_spool:
            self._consume(mend=False)
        while not self._sound or self._outdated():
            self._restart()
            self._consume(mend=False)

    def asked_as(self, request_ids: Sequence[str]) -> pa.Table:
        """Return `id`, `request_id` and `day` of the rows of requests that have no id of their own: theirs or none."""
        names, where = ["id", "request_id", "day"], ds.field("request_id").isin(pa.array(request_ids, pa.string()))
        waiting = [ds.dataset(part).to_table(columns=names, filter=where) for part in self.pending.predictions]
        return without_own_id(pa.concat_tables([self.tables.predictions.load(columns=names, where=where), *waiting]))

    def stretches(self, since: datetime | None, until: datetime | None) -> list[list[date]]:
        """Return the days that have rows, in order, in stretches of a size that fits into memory well."""
        sizes = Counter({date.fromisoformat(day): size for day, size in self.tables.predictions.sizes().items()})
        for part in self.pending.predictions:
            sizes.update(dict.fromkeys(pc.unique(part["day"]).to_pylist(), 0))
        first, last = _day(since) or date.min, _day(until) or date.max
        found: list[list[date]] = []
        room = 0
        for day in sorted(day for day in sizes if first <= day <= last):
            if not found or sizes[day] > room:
                found.append([])
                room = STRETCH_BYTES
            found[-1].append(day)
            room -= sizes[day]
        return found

    def predictions(self, where: ds.Expression) -> pa.Table:
        """Return rows of predictions, committed or not, for which a condition holds."""
        waiting = [ds.dataset(part).to_table(filter=where) for part in self.pending.predictions]
        return pa.concat_tables([self.tables.predictions.load(where=where), *waiting])

    def profiles(self, where: ds.Expression) -> pa.Table:
        """Return rows of profiles, committed or not, for which a condition holds."""
        return pa.concat_tables([self.tables.profiles.load(where=where), self._counted_pending().filter(where)])

    def _counted_pending(self) -> pa.Table:
        """Return the profiles of what waits; what a user's function says of it is asked once."""
        parts = self.pending.counted
        if self._counts[0] != len(parts):
            rows = pa.concat_tables([self._types.empty_table(), *parts])
            self._counts = len(parts), self.profiler.count(rows)
        return self._counts[1]

    def shelf(self, day: date) -> Shelf:
        """Return rows and outcomes from a day on, kept in memory from call to call: for who reads often."""
        if self._shelf is None or day < self._floor or (day > self._floor and len(self._shelf.rows) > KEEP_ROWS):
            self._shelf, self._floor = self.loaded(ds.field("day") >= pa.scalar(day)), day
        return self._shelf

    def loaded(self, where: ds.Expression) -> Shelf:
        """Return rows of predictions, and their outcomes."""
        shelf, rows = Shelf(self.schema), self.predictions(where)
        shelf.rows.add(batch_from(rows, self.schema))
        shelf.outcomes = self.outcomes(pc.unique(rows["day"]))
        return shelf

    def outcomes(self, days: pa.Array, ids: pa.Array | None = None) -> Outcomes:
        """Return the outcomes of predictions of some days; with ids, of those at least."""
        where = ds.field("day").is_null() | ds.field("day").isin(days)
        if ids is not None:
            where &= ds.field("id").isin(ids)
        found = outcomes_from(self.tables.outcomes.load(columns=["day", "seq", "id", "value", "known"], where=where))
        for kept in self.pending.outcomes:
            found.put(kept)
        return found

    def ingest(self) -> Ingested:
        """Read on, commit what is worth it, delete what is done with; return what moved since the last time.

        An erasure that was stopped half-way is finished.
        """
        self._follow_and_fold()
        for begun in self.erasures.begun():
            self.erase(begun, datetime.now(UTC))
        moved, self._moved = self._moved, Ingested()
        return moved

    def receive(self, outcomes: Sequence[Outcome], write: Callable[[Sequence[Outcome]], None]) -> OutcomeReceipt:
        """Put the outcomes that are new into the spool, and read them from there."""
        self._follow_and_fold()
        kept, receipt = self._judge(outcomes)
        write(kept.outcomes)
        before = self._moved.outcomes
        self._consume(mend=True)
        self._moved = replace(self._moved, outcomes=before)
        return receipt

    def expire(self, before: date | None, at_most_bytes: int | None) -> Expired:
        """Delete days that are too old or too large together."""
        self._follow_and_fold()
        if self.pending:
            self._fold()
        gone = expire(self.tables, before, at_most_bytes)
        if before is not None:
            expire_quarantined(self._spool, before)
        self._sound = not gone.days
        return gone

    def held(self, subject: Subject, days: Iterable[date]) -> Erased:
        """Commit all that can be read, and return what an erasure will delete of that."""
        self.ingest()
        if self.pending:
            self._fold()
        return held(self.tables, subject, days)

    def erase(self, begun: Path, now: datetime) -> Erasure:
        """Finish an erasure: commit all that can be read, and delete from that."""
        if self.pending:
            self._fold()
        self._sound = False
        return self.erasures.finish(begun, self.tables, self.profiler, now)

    def _outdated(self) -> bool:
        return any(table.outdated() for table in self.tables.all)

    def _restart(self) -> None:
        """Read the tables' cursors again; what was read behind them is void."""
        for table in self.tables.all:
            table.refresh()
        self._places, self._finished, self.pending, self._unjudged = {}, {}, Pending(), []
        self._counts = 0, PROFILES.empty_table()
        self._shelf, self._sound = None, True

    def _follow_and_fold(self) -> None:
        if not self._sound or self._outdated():
            self._restart()
        if not self.tables.ids.exists:
            make_index(self.tables)
        for _ in self._advance(mend=True):
            if self.pending.rows >= FOLD_ROWS:
                self._fold()
        late = time.monotonic() - self._folded >= FOLD_EVERY_S
        if self.pending and (late or self._finished):
            self._fold()
        for name, path in self._finished.items():
            path.unlink(missing_ok=True)
            self._counted.pop(name, None)
            self._places.pop(name, None)
        self._finished.clear()

    def _fold(self) -> None:
        """Commit what is pending, each table with its cursors; if that fails half-way, what was read is void."""
        self._sound = False
        self._judge_waiting()
        pending, ends = self.pending, {n: p.at for n, p in self._places.items() if p.at != p.committed}
        records = {name: at for name, at in ends.items() if name.endswith(RECORDS)}
        told = {name: at for name, at in ends.items() if name.endswith(OUTCOMES)}
        if pending.predictions:
            rows = pa.concat_tables(pending.predictions)
            self.tables.ids.add(by_day(rows["id"], rows["day"]))
            self.tables.predictions.append(rows, records)
        if pending.counted:
            rows = self._counted_pending()
            self.tables.profiles.append(rows, records)
            self._amend_from(rows)
        if pending.outcomes:
            rows = kept_rows(pending.outcomes, self.tables.outcomes.rows)
            self.tables.outcomes.append(placed(rows, self.tables.ids), told)
        if tidy(self.tables, self.profiler, self._amended):
            self._amended = None
        for name, at in ends.items():
            self._places[name].committed = at
        self.pending, self._sound, self._folded = Pending(), True, time.monotonic()
        self._counts = 0, PROFILES.empty_table()

    def _amend_from(self, rows: pa.Table) -> None:
        first = pc.min(rows["start"]).as_py()
        self._amended = first if self._amended is None else min(first, self._amended)

    def _consume(self, *, mend: bool) -> None:
        for _ in self._advance(mend=mend):
            pass

    def _advance(self, *, mend: bool) -> Iterator[None]:
        """Read every segment on, records first; pauses after each chunk that held something."""
        for path in (*segments(self._spool, RECORDS), *segments(self._spool, OUTCOMES)):
            place = self._places.get(path.name)
            if place is None:
                place = self._places[path.name] = self._place(path)
            moving = True
            while moving:
                with uncollected():
                    moving = self._step(path, place, mend=mend)
                if len(self._unjudged) >= FOLD_ROWS:
                    self._judge_waiting()
                if moving:
                    yield
        self._judge_waiting()

    def _step(self, path: Path, place: Place, *, mend: bool) -> bool:
        """Read the next part of a segment; return whether there was one."""
        found = follow(path, place.at, mend=mend)
        moving = found.scan.end > place.at
        if path.suffix == RECORDS:
            self._take_records(path, place, found.scan, found.form, mend=mend)
        else:
            self._take_outcomes(path, place, found.scan, mend=mend)
        place.at = found.scan.end
        if found.finished:
            self._finished[path.name] = path
        return moving

    def _place(self, path: Path) -> Place:
        if path.suffix == OUTCOMES:
            rows = self.tables.outcomes.cursor(path.name) or FIRST
            return Place(at=rows, committed=rows, rows=rows, profiles=rows)
        rows = self.tables.predictions.cursor(path.name) or FIRST
        profiles = self.tables.profiles.cursor(path.name) or FIRST
        at = min(rows, profiles)
        return Place(at=at, committed=at, rows=rows, profiles=profiles, layout=layout_in(path) if at > FIRST else None)

    def _take_records(self, path: Path, place: Place, scan: Scan, form: int, *, mend: bool) -> None:
        """Take frames into memory; those that say nothing are set aside."""
        if form == 1:
            place.layout = Layout(self.schema.names, self.schema.outputs)
        found = records_in(scan.frames, form, place.layout)
        place.layout = found.layout
        if mend:
            for at, payload in found.strange:
                keep(path, at, payload)
        offsets = np.array(found.offsets, np.int64)
        self._count(path, place, scan, offsets, np.ones(len(offsets)), [at for at, _ in found.strange])
        if found.layout is not None and found.records:
            self._add(found.records, offsets, found.layout, place)

    def _add(self, records: list[Packed], offsets: Any, layout: Layout, place: Place) -> None:
        rows = rows_of(records[np.searchsorted(offsets, place.rows) :], layout, self._types)
        if place.rows == place.profiles:
            counted = rows
        else:
            counted = rows_of(records[np.searchsorted(offsets, place.profiles) :], layout, self._types)
        if counted.num_rows:
            self.pending.counted.append(counted)
        if rows.num_rows:
            self.pending.predictions.append(rows)
            if self._shelf is not None:
                self._shelf.rows.add(batch_from(rows, self.schema))

    def _take_outcomes(self, path: Path, place: Place, scan: Scan, *, mend: bool) -> None:
        told: list[tuple[int, list[Outcome]]] = []
        strange: list[int] = []
        for at, payload in scan.frames:
            try:
                told.append((at, [*map(_in_bounds, decode_outcomes(payload))]))
            except msgspec.DecodeError:
                strange.append(at)
                if mend:
                    keep(path, at, payload)
        sizes = np.array([len(outcomes) for _, outcomes in told])
        self._count(path, place, scan, np.array([at for at, _ in told], np.int64), sizes, strange)
        self._unjudged += [outcome for at, part in told if at >= place.rows for outcome in part]

    def _judge_waiting(self) -> None:
        """Keep what is new of the outcomes that were read; many at once, for each time the table is asked."""
        outcomes, self._unjudged = self._unjudged, []
        kept = self._judge(outcomes)[0] if outcomes else Kept()
        if len(kept):
            self.pending.outcomes.append(kept)
            if self._shelf is not None:
                self._shelf.outcomes.put(kept)

    def _judge(self, outcomes: Sequence[Outcome]) -> tuple[Kept, OutcomeReceipt]:
        """Compare outcomes with what was told of their ids before."""
        ids = pa.array([outcome.id for outcome in outcomes], pa.string())
        codes = hashes(ids)
        stored = [(day.toordinal() - EPOCH, found) for day, found in self.tables.ids.days(codes)]
        waiting: dict[date, Any] = {}
        for part in self.pending.predictions:
            for day, known in by_day(part["id"], part["day"]).items():
                waiting[day] = waiting.get(day, False) | np.isin(codes, known)
        predicted = Predicted.of([*stored, *((day.toordinal() - EPOCH, found) for day, found in waiting.items())])
        days = pa.array(np.unique(predicted.day), pa.int32()).cast(pa.date32())
        return self.outcomes(days, ids).judge(outcomes, self.schema, predicted)

    def _count(self, path: Path, place: Place, scan: Scan, offsets: Any, sizes: Any, strange: list[int]) -> None:
        """Add up what was not counted before: frames that held something, and what was lost."""
        since = max(self._counted.get(path.name, 0), place.rows)
        self._counted[path.name] = max(since, scan.end)
        things = int(sizes[offsets >= since].sum())
        bad = [at for at in (*(start for start, _ in scan.corrupt), *strange) if at >= since or at < FIRST]
        m, records = self._moved, path.suffix == RECORDS
        self._moved = Ingested(
            records=m.records + (things if records else 0),
            outcomes=m.outcomes + (0 if records else things),
            torn_bytes=m.torn_bytes + scan.torn,
            corrupt_frames=m.corrupt_frames + len(bad),
        )


def _in_bounds(outcome: Outcome) -> Outcome:
    """Return an outcome with a time that can be told, whatever a spool holds."""
    if EARLIEST_US <= outcome.known_us <= LATEST_US:
        return outcome
    return msgspec.structs.replace(outcome, known_us=min(max(outcome.known_us, EARLIEST_US), LATEST_US))


def _day(when: datetime | None) -> date | None:
    return None if when is None else when.astimezone(UTC).date()
