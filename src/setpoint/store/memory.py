"""The record log in memory, for replay and tests."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from setpoint.domain.erased import SALT, ErasedIds, salted, to_remember
from setpoint.domain.evolution import merged, merged_binning
from setpoint.domain.profile import Binning, Profile
from setpoint.domain.record import Erasure, Expired, InferenceRecord, Ingested, Outcome, OutcomeReceipt, Role
from setpoint.domain.records import Records
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Schema
from setpoint.domain.series import Series
from setpoint.domain.value import replace
from setpoint.errors import NotFound
from setpoint.store.batch import batch_from
from setpoint.store.counts import Counts
from setpoint.store.erasures import LearntFrom, learnt_by, new_erasure, subject_of, without_own_id
from setpoint.store.forgetting import Erased, too_old_or_large
from setpoint.store.outcomes import Predicted, check
from setpoint.store.predictions import prediction_schema, recorded
from setpoint.store.presented import presented, window
from setpoint.store.profiler import Profiler
from setpoint.store.profiles import chosen, chosen_every
from setpoint.store.shelf import Shelf


@dataclass
class _Model:
    """Everything of one model."""

    schema: Schema
    binning: Binning
    profiler: Profiler
    shelf: Shelf
    counts: Counts
    predictions: list[pa.Table] = field(default_factory=list)
    ids: dict[str, tuple[int, ...]] = field(default_factory=dict)  # and the days on which they were predicted
    outcomes: list[Outcome] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)

    def add(self, rows: pa.Table) -> None:
        self.predictions.append(rows)
        self.shelf.rows.add(batch_from(rows, self.schema))
        for id_, day in zip(rows["id"].to_pylist(), rows["day"].cast(pa.int32()).to_pylist(), strict=True):
            days = self.ids.get(id_, ())
            if day not in days:
                self.ids[id_] = (*days, day)
        self.counts.add(self.profiler.count(rows))

    def tell(self, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        pairs = [(row, day) for row, o in enumerate(outcomes) for day in sorted(self.ids.get(o.id, ()))]
        predicted = Predicted(*np.array(pairs, np.int64).reshape(-1, 2).T)
        kept, receipt = self.shelf.outcomes.judge(outcomes, self.schema, predicted)
        self.shelf.outcomes.put(kept)
        self.outcomes += kept.outcomes
        return receipt

    def keep(self, rows: pa.Table, outcomes: Sequence[Outcome]) -> None:
        """Forget everything else."""
        self.shelf, self.ids, self.predictions, self.outcomes = Shelf(self.schema), {}, [], []
        self.counts = Counts(self.profiler.add_up)
        self.add(rows)
        self.tell(outcomes)

    def rows(self, where: ds.Expression) -> pa.Table:
        tables = [prediction_schema(self.schema).empty_table(), *self.predictions]
        return ds.dataset(pa.concat_tables(tables)).to_table(filter=where)


class MemoryRecordLog:
    """A record log and the recorder that feeds it; nothing survives the process."""

    def __init__(self) -> None:
        self._models: dict[str, _Model] = {}
        self._records: dict[str, list[InferenceRecord]] = {}
        self._outcomes: dict[str, list[Outcome]] = {}

    def open_model(self, model: str, schema: Schema, binning: Binning) -> None:
        have = self._models.get(model)
        if have is None:
            profiler = Profiler(schema, binning)
            self._models[model] = _Model(schema, binning, profiler, Shelf(schema), Counts(profiler.add_up))
            return
        schema, binning = merged(model, have.schema, schema), merged_binning(have.binning, binning)
        if schema.names != have.schema.names:
            rows, outcomes = have.rows(ds.scalar(True)), have.outcomes
            types = prediction_schema(schema)
            have.schema, have.binning, have.profiler = schema, binning, Profiler(schema, binning)
            have.keep(rows.cast(types), outcomes)

    def append(self, records: Sequence[InferenceRecord]) -> None:
        """Take records in; the next `ingest` makes them visible."""
        for record in records:
            self._records.setdefault(record.model, []).append(record)

    def tend(self) -> None:
        """Nothing is ever due."""

    def lag_s(self) -> float:
        return 0.0

    def append_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Take outcomes in; the next `ingest` makes them visible."""
        self._outcomes.setdefault(model, []).extend(outcomes)

    def ingest(self) -> Ingested:
        records = outcomes = 0
        for name, model in self._models.items():
            arrived, told = self._records.pop(name, []), self._outcomes.pop(name, [])
            if arrived:
                model.add(recorded(arrived, prediction_schema(model.schema)))
            if told:
                model.tell(told)
            records, outcomes = records + len(arrived), outcomes + len(told)
        return Ingested(records=records, outcomes=outcomes)

    def add_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        found = self._model(model)
        check(outcomes, found.schema)
        return found.tell(outcomes)

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
        return self._model(model).shelf.read(since, until, as_of, role, version)

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
        found = self._model(model)
        rows = found.rows(window(since, until, version=version, ids=ids))
        table = presented(rows, found.shelf.outcomes, found.schema, where)
        return table if limit is None else table.slice(max(0, table.num_rows - limit))

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
        table = self.table(model, since=since, until=until, version=version, ids=ids, where=where)
        days = sorted(pc.unique(table["day"]).to_pylist(), reverse=latest_first)
        yield from [table.filter(pc.equal(table["day"], day)) for day in days] or [table]

    def expire(self, model: str, *, before: datetime | None = None, at_most_bytes: int | None = None) -> Expired:
        found = self._model(model)
        rows = found.rows(ds.scalar(True))
        sizes = {day: rows.filter(pc.equal(rows["day"], day)).nbytes for day in pc.unique(rows["day"]).to_pylist()}
        gone = too_old_or_large(sizes, None if before is None else before.astimezone(UTC).date(), at_most_bytes)
        if not gone:
            return Expired()
        lost = pc.is_in(rows["day"], pa.array(gone))
        ids = set(rows.filter(lost)["id"].to_pylist())
        found.keep(rows.filter(pc.invert(lost)), [o for o in found.outcomes if o.id not in ids])
        return Expired(days=tuple(gone), rows=pc.sum(lost).as_py(), bytes=sum(sizes[day] for day in gone))

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
        found = self._model(model)
        rows = found.rows(ds.scalar(True))
        asked_as = without_own_id(rows.filter(pc.is_in(rows["request_id"], pa.array(ids, pa.string()))))
        subject, _ = subject_of(ids, [asked_as, *([self.table(model, where=where)] if where else [])])
        of_id = pc.is_in(rows["id"], pa.array(subject.ids, pa.string()))
        refused = pc.is_in(rows["request_id"], pa.array(subject.requests, pa.string()))
        lost = pc.or_(of_id, pc.and_(refused, pc.is_null(rows["id"])))
        kept = [o for o in found.outcomes if o.id not in subject.ids]
        days = tuple(sorted(pc.unique(rows.filter(lost)["day"]).to_pylist()))
        held = Erased(rows=pc.sum(lost).as_py() or 0, outcomes=len(found.outcomes) - len(kept), days=days)
        receipt = replace(
            new_erasure(model, subject, held, what="a condition" if where else "ids", by=by, now=now),
            learnt=learnt_by(dict(learnt or {}), days, learnt_from(subject.ids)),
            training=learning(subject.ids),
            done=now,
        )
        found.keep(rows.filter(pc.invert(lost)), kept)
        found.erasures.append(receipt)
        found.erased |= set(to_remember(subject.ids, sensitive=found.schema.sensitive_id is not None))
        return receipt

    def lingering(self, receipt: Erasure) -> list[str]:
        return []

    def erasures(self, model: str) -> list[Erasure]:
        return list(self._model(model).erasures)

    def erased(self, model: str) -> ErasedIds:
        ids = np.array(sorted(self._model(model).erased), object)
        return ErasedIds(salt="0" * SALT, hashes=np.sort(salted(ids, "0" * SALT)))

    def requests(self, model: str, since: datetime, until: datetime) -> Requested:
        return self._model(model).shelf.requests(since, until)

    def refused(self, model: str, since: datetime, until: datetime) -> dict[str, int]:
        return self._model(model).shelf.refused(since, until)

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
        found = self._model(model)
        where = chosen(since, until, version=version, role=role, segment=segment)
        return found.profiler.sum(found.counts.chosen(where))

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
        found = self._model(model)
        where = chosen_every(since, until, every, version=version, role=role, segments=segments)
        return found.profiler.series(found.counts.chosen(where), since, until, every, segments)

    def _model(self, model: str) -> _Model:
        try:
            return self._models[model]
        except KeyError:
            have = ", ".join(sorted(self._models)) or "none"
            raise NotFound(f"no records of a model called {model!r}; there are: {have}") from None
