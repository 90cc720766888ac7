"""The record log on disk: Delta tables behind a spool, every record exactly once."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from setpoint.domain.evolution import merged, merged_binning
from setpoint.domain.profile import Binning, Profile
from setpoint.domain.record import Erasure, Expired, Ingested, Outcome, OutcomeReceipt, Role
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.domain.value import from_json, replace, to_json, value
from setpoint.errors import NotFound, Unusable
from setpoint.store.erasures import Begun, new_erasure, subject_of
from setpoint.store.follower import Follower
from setpoint.store.outcomes import Outcomes, check
from setpoint.store.presented import presented, window
from setpoint.store.profiler import Profiler
from setpoint.store.profiles import chosen
from setpoint.store.segments import exclusive
from setpoint.store.shelf import Shelf
from setpoint.store.spool import INGESTED, Spool
from setpoint.store.upgrade import finish, prepare, unfinished

MODEL_FILE = "model.json"
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
            moved = [self._ingest(file.parent.name) for file in sorted(self._records.glob(f"*/{MODEL_FILE}"))]
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
                return follower.receive(model, outcomes, self._spool)

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
        with self._threads:
            return self._shelf(model, since, until).read(since, until, as_of, role, version)

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
        with self._threads:
            follower = self._current(model)
            stretches = follower.stretches(since, until)
        for days in reversed(stretches) if latest_first else stretches:
            with self._threads:
                rows = follower.predictions(window(since, until, days=days, version=version, ids=ids))
                outcomes = follower.outcomes(pa.array(days), pc.unique(rows["id"]))
            yield presented(rows, outcomes, follower.schema, where)
        if not stretches:
            yield presented(follower.predictions(ds.scalar(False)), Outcomes(), follower.schema, where)

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
        learnt: Mapping[str, tuple[date, date]] | None = None,
    ) -> Erasure:
        with self._threads:
            follower = self._follower(model)
            subject, days = subject_of(ids, self.stretches(model, where=where) if where else ())
            with exclusive(self._lock):
                held = follower.held(subject, days)
                erasure = new_erasure(model, subject, held, what=where or "ids", by=by, now=now)
                begun = follower.erasures.begin(Begun(erasure=erasure, subject=subject, learnt=dict(learnt or {})))
                return follower.erase(begun, now)

    def lingering(self, receipt: Erasure) -> list[str]:
        folder = self._home / "spool" / receipt.model
        return [name for name in receipt.segments if (folder / name).exists()]

    def erasures(self, model: str) -> list[Erasure]:
        return self._follower(model).erasures.receipts()

    def refused(self, model: str, since: datetime, until: datetime) -> dict[str, int]:
        with self._threads:
            return self._shelf(model, since, until).refused(since, until)

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
        with self._threads:
            follower = self._current(model)
            rows = follower.profiles(chosen(since, until, version=version, role=role, segment=segment))
        return follower.profiler.sum(rows)

    def close(self) -> None:
        """Let go of the spool, and of what describes inputs; the log itself needs no closing."""
        self._spool.close()
        for _, follower in self._followers.values():
            follower.profiler.close()

    @property
    def _lock(self) -> Path:
        return self._records / "ingest.lock"

    def _ingest(self, model: str) -> Ingested:
        follower = self._follower(model)
        with exclusive(self._lock):
            return follower.ingest()

    def _current(self, model: str) -> Follower:
        follower = self._follower(model)
        follower.refresh(with_spool=not self._ingests)
        return follower

    def _shelf(self, model: str, since: datetime | None, until: datetime | None) -> Shelf:
        follower = self._current(model)
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
