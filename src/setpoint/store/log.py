"""The record log on disk: Delta tables behind a spool, every record exactly once."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from setpoint.domain.erased import ErasedIds
from setpoint.domain.evolution import merged, merged_binning
from setpoint.domain.profile import Binning, Profile
from setpoint.domain.record import Erasure, Expired, Ingested, Outcome, OutcomeReceipt, Role
from setpoint.domain.records import Records
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Schema
from setpoint.domain.series import Series
from setpoint.domain.value import from_json, replace, to_json, value
from setpoint.errors import NotFound, Unusable
from setpoint.store.erasures import Begun, LearntFrom, new_erasure, subject_of
from setpoint.store.follower import Follower
from setpoint.store.model_tables import model_tables
from setpoint.store.outcomes import Outcomes, check
from setpoint.store.presented import presented, window
from setpoint.store.profiler import Profiler
from setpoint.store.profiles import chosen, chosen_every
from setpoint.store.segments import exclusive
from setpoint.store.shelf import Shelf
from setpoint.store.spool import INGESTED, Spool, ask_to_close
from setpoint.store.upgrade import finish, prepare, unfinished

log = logging.getLogger("setpoint.store")
MODEL_FILE = "model.json"
ATTEMPTS = 5
T = TypeVar("T")
FORMAT = 2  # of the tables


@value
class Opened:
    """What a model's tables are laid out by, and the format they have."""

    schema: Schema
    binning: Binning
    format: int = 1


class DeltaRecordLog:
    """Fulfils `ports.RecordLog` with Delta tables in `home/records/<model>/`, fed from `home/spool/<model>/`.

    Tables: `predictions` (one row a record row), `outcomes` (every one ever told) and `profiles` (counts by minute).
    A process that never ingests sees what is in the spool as well; one that ingests sees what it has ingested.

    Parameters
    ----------
    home : Path
        The folder of everything; several processes may share it, and one at a time ingests.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._records = home / "records"
        self._followers: dict[str, tuple[int, Follower]] = {}  # and when model.json was written
        self._threads = threading.RLock()
        self._ingests = False
        self._spool = Spool(home / "spool", "control")

    def open_model(self, model: str, schema: Schema, binning: Binning) -> None:
        with self._threads:
            try:
                self._made(model, schema, binning)
                self._follower(model)
            except OSError as e:
                raise Unusable(f"home not writable: {self._home} ({e.strerror}); set SETPOINT_HOME") from e

    def ingest(self) -> Ingested:
        with self._threads:
            self._ingests, began = True, time.time()
            moved, failed = list[Ingested](), list[tuple[str, Exception]]()
            for file in sorted(self._records.glob(f"*/{MODEL_FILE}")):
                try:
                    moved.append(self._ingest(file.parent.name))
                except Exception as e:  # one model's damage must not stop the others; it is raised when they are done
                    failed.append((file.parent.name, e))
            if failed:
                model, error = failed[0]
                error.add_note(f"while ingesting the records of {model!r}")
                raise error
            _mark(self._home / "spool" / INGESTED, began)
        return Ingested(
            records=sum(m.records for m in moved),
            outcomes=sum(m.outcomes for m in moved),
            torn_bytes=sum(m.torn_bytes for m in moved),
            corrupt_frames=sum(m.corrupt_frames for m in moved),
        )

    def add_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        with self._threads:
            follower = self._follower(model)
            check(outcomes, follower.schema)
            with exclusive(self._lock):
                return follower.receive(outcomes, self._told(model))

    def _told(self, model: str) -> Callable[[Sequence[Outcome]], None]:
        """Return what writes outcomes into a segment that is whole at once: nobody waits for this process to end."""

        def write(outcomes: Sequence[Outcome]) -> None:
            self._spool.append_outcomes(model, outcomes)
            self._spool.close()

        return write

    def read(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        as_of: datetime | None = None,
        role: Role = Role.CHAMPION,
        version: str | None = None,
    ) -> Records:
        return self._ask(model, lambda f: self._shelf(f, since, until).read(since, until, as_of, role, version))

    def table(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        version: str | None = None,
        ids: Sequence[str] | None = None,
        where: str | None = None,
        limit: int | None = None,
    ) -> pa.Table:
        found: list[pa.Table] = []
        parts = self.stretches(
            model, since=since, until=until, version=version, ids=ids, where=where, latest_first=limit is not None
        )
        for part in parts:
            found.append(part)
            if limit is not None and sum(p.num_rows for p in found) >= limit:
                break
        if limit is None:
            return pa.concat_tables(found)
        table = pa.concat_tables(reversed(found))
        return table.slice(max(0, table.num_rows - limit))

    def stretches(
        self,
        model: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        version: str | None = None,
        ids: Sequence[str] | None = None,
        where: str | None = None,
        latest_first: bool = False,
    ) -> Iterator[pa.Table]:
        def part(follower: Follower, days: Sequence[date]) -> pa.Table:
            rows = follower.predictions(window(since, until, days=days, version=version, ids=ids))
            return presented(rows, follower.outcomes(pa.array(days), pc.unique(rows["id"])), follower.schema, where)

        def nothing(follower: Follower) -> pa.Table:
            return presented(follower.predictions(ds.scalar(False)), Outcomes(), follower.schema, where)

        stretches = self._ask(model, lambda follower: follower.stretches(since, until))
        for days in reversed(stretches) if latest_first else stretches:
            yield self._ask(model, partial(part, days=days))
        if not stretches:
            yield self._ask(model, nothing)

    def expire(self, model: str, *, before: datetime | None = None, at_most_bytes: int | None = None) -> Expired:
        with self._threads:
            follower = self._follower(model)
            with exclusive(self._lock):
                return follower.expire(None if before is None else before.astimezone(UTC).date(), at_most_bytes)

    def erase(
        self,
        model: str,
        *,
        ids: Sequence[str] = (),
        where: str | None = None,
        by: str,
        now: datetime,
        learnt: Mapping[str, date] | None = None,
        learnt_from: LearntFrom = lambda ids: (),
        learning: Callable[[Sequence[str]], str] = lambda ids: "",
    ) -> Erasure:
        with self._threads:
            ask_to_close(self._home / "spool")
            self._ingest(model)
            of_condition = self.stretches(model, where=where) if where else ()
            subject, days = subject_of(ids, [self._ask(model, lambda f: f.asked_as(ids)), *of_condition])
            follower = self._follower(model)
            with exclusive(self._lock):
                held = follower.held(subject, days)
                erasure = new_erasure(model, subject, held, what="a condition" if where else "ids", by=by, now=now)
                taught = tuple(learnt_from(subject.ids))
                erasure = replace(erasure, training=learning(subject.ids))
                job = Begun(erasure=erasure, subject=subject, learnt=dict(learnt or {}), taught=taught)
                return follower.erase(follower.erasures.begin(job), now)

    def lingering(self, receipt: Erasure) -> list[str]:
        folder = self._home / "spool" / receipt.model
        return [name for name in receipt.segments if (folder / name).exists()]

    def erasures(self, model: str) -> list[Erasure]:
        return self._follower(model).erasures.receipts()

    def erased(self, model: str) -> ErasedIds:
        return self._follower(model).erasures.ids()

    def requests(self, model: str, since: datetime, until: datetime) -> Requested:
        return self._ask(model, lambda follower: self._shelf(follower, since, until).requests(since, until))

    def refused(self, model: str, since: datetime, until: datetime) -> dict[str, int]:
        return self._ask(model, lambda follower: self._shelf(follower, since, until).refused(since, until))

    def profile(
        self,
        model: str,
        since: datetime,
        until: datetime,
        *,
        version: str | None = None,
        role: Role = Role.CHAMPION,
        segment: str = "",
    ) -> Profile:
        where = chosen(since, until, version=version, role=role, segment=segment).expression
        return self._ask(model, lambda follower: follower.profiler.sum(follower.profiles(where)))

    def series(
        self,
        model: str,
        since: datetime,
        until: datetime,
        every: timedelta,
        *,
        version: str | None = None,
        role: Role = Role.CHAMPION,
        segments: Sequence[str] = ("",),
    ) -> dict[str, Series]:
        where = chosen_every(since, until, every, version=version, role=role, segments=segments).expression
        return self._ask(model, lambda f: f.profiler.series(f.profiles(where), since, until, every, segments))

    def close(self) -> None:
        """Let go of what describes inputs; the log itself needs no closing."""
        for _, follower in self._followers.values():
            follower.profiler.close()

    @property
    def _lock(self) -> Path:
        return self._records / "ingest.lock"

    def _ingest(self, model: str) -> Ingested:
        follower = self._follower(model)
        with exclusive(self._lock):
            moved = follower.ingest()
        if moved.torn_bytes or moved.corrupt_frames:
            aside = self._home / "spool" / model / "quarantine"
            said = "records of %s: %d damaged places and %d bytes of torn tails were set aside in %s"
            log.warning(said, model, moved.corrupt_frames, moved.torn_bytes, aside)
        return moved

    def _ask(self, model: str, question: Callable[[Follower], T]) -> T:
        """Answer from what there is now; again, if another process purges it meanwhile."""
        with self._threads:
            for left in reversed(range(ATTEMPTS)):
                follower = self._follower(model)
                follower.refresh(with_spool=not self._ingests)
                try:
                    return question(follower)
                except FileNotFoundError:  # which another commit has replaced: the next `refresh` sees it
                    if not left:
                        raise
        raise AssertionError("unreachable")

    def _shelf(self, follower: Follower, since: datetime | None, until: datetime | None) -> Shelf:
        if self._ingests:  # the loop asks for the same weeks again and again
            return follower.shelf(date.min if since is None else since.astimezone(UTC).date())
        return follower.loaded(window(since, until))

    def _made(self, model: str, schema: Schema, binning: Binning) -> None:
        """Write down what the tables are laid out by, with the columns of a new version where it has others."""
        folder = self._records / model
        if (folder / MODEL_FILE).exists():
            self._follower(model)  # which brings an older log to the present form
        with exclusive(self._lock):
            if not (folder / MODEL_FILE).exists():
                folder.mkdir(parents=True, exist_ok=True)
                model_tables(folder, schema)  # before anything says that they are there
                _write(folder / MODEL_FILE, Opened(schema=schema, binning=binning, format=FORMAT))
                return
            have = from_json((folder / MODEL_FILE).read_bytes(), Opened)
            both = merged(model, have.schema, schema)
            if both.names != have.schema.names:
                wider = merged_binning(have.binning, binning)
                _write(folder / MODEL_FILE, Opened(schema=both, binning=wider, format=FORMAT))

    def _follower(self, model: str) -> Follower:
        """Return who follows a model; a new one when a version with other columns was deployed, here or elsewhere."""
        folder = self._records / model
        try:
            written = (folder / MODEL_FILE).stat().st_mtime_ns
        except FileNotFoundError:
            have = ", ".join(sorted(f.parent.name for f in self._records.glob(f"*/{MODEL_FILE}"))) or "none"
            raise NotFound(f"no records of a model called {model!r}; there are: {have}") from None
        known = self._followers.get(model)
        if known is None or known[0] != written:
            opened = from_json((folder / MODEL_FILE).read_bytes(), Opened)
            spool = self._home / "spool" / model
            if opened.format < FORMAT or unfinished(folder):
                opened = self._upgraded(folder, spool)
                written = (folder / MODEL_FILE).stat().st_mtime_ns
            if known is not None:
                known[1].profiler.close()
            known = self._followers[model] = written, Follower(folder, spool, opened.schema, opened.binning)
        return known[1]

    def _upgraded(self, folder: Path, spool: Path) -> Opened:
        with exclusive(self._lock):
            opened = from_json((folder / MODEL_FILE).read_bytes(), Opened)
            if opened.format < FORMAT:
                prepare(folder, spool, Profiler(opened.schema, opened.binning))
                opened = replace(opened, format=FORMAT)
                _write(folder / MODEL_FILE, opened)
            finish(folder)
            return opened


def _write(file: Path, opened: Opened) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(to_json(opened, pretty=True))
    new.rename(file)


def _mark(file: Path, when: float) -> None:
    """Give a file a time; where the disk refuses, what waits for the log seems to wait on."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.utime(file, (when, when))
