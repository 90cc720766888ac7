"""The record log in memory, for replay and tests."""

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from setpoint.domain.profile import Binning, Profile
from setpoint.domain.record import InferenceRecord, Ingested, Outcome, OutcomeReceipt, Role
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.errors import NotFound
from setpoint.store.arrow import predictions, presented, window
from setpoint.store.batch import Batch, batch_of
from setpoint.store.cells import cells_of
from setpoint.store.outcomes import check
from setpoint.store.shelf import Shelf, same_columns


class MemoryRecordLog:
    """A record log and the recorder that feeds it; nothing survives the process."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._batches: dict[str, list[Batch]] = {}
        self._records: dict[str, list[InferenceRecord]] = {}
        self._outcomes: dict[str, list[Outcome]] = {}

    def open_model(self, model: str, schema: Schema, binning: Binning) -> None:
        shelf = self._shelves.setdefault(model, Shelf(schema, binning))
        same_columns(model, shelf.schema, schema)

    def append(self, records: Sequence[InferenceRecord]) -> None:
        """Take records in; the next `ingest` makes them visible."""
        for record in records:
            self._records.setdefault(record.model, []).append(record)

    def lag_s(self) -> float:
        return 0.0

    def append_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Take outcomes in; the next `ingest` makes them visible."""
        self._outcomes.setdefault(model, []).extend(outcomes)

    def ingest(self) -> Ingested:
        records = outcomes = 0
        for model, shelf in self._shelves.items():
            arrived = self._records.pop(model, [])
            if arrived:
                self._add(model, shelf, arrived)
            told = self._outcomes.pop(model, [])
            if told:
                self._receive(shelf, told)
            records, outcomes = records + len(arrived), outcomes + len(told)
        return Ingested(records=records, outcomes=outcomes)

    def _add(self, model: str, shelf: Shelf, records: list[InferenceRecord]) -> None:
        batch = batch_of(records, shelf.schema)
        self._batches.setdefault(model, []).append(batch)
        shelf.rows.add(batch)
        shelf.outcomes.expect(batch.fixed["id"])
        shelf.cells.add(cells_of(batch, shelf.schema, shelf.binning))

    def add_outcomes(self, model: str, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        shelf = self._shelf(model)
        check(outcomes, shelf.schema)
        return self._receive(shelf, outcomes)

    def _receive(self, shelf: Shelf, outcomes: Sequence[Outcome]) -> OutcomeReceipt:
        kept, receipt = shelf.outcomes.judge(outcomes, shelf.schema)
        shelf.outcomes.put(kept)
        return receipt

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
        return self._shelf(model).read(since, until, as_of, role, version)

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
        shelf = self._shelf(model)
        rows = window(predictions(self._batches.get(model, []), shelf.schema), since, until)
        return presented(rows, shelf.outcomes, shelf.schema, version=version, ids=ids, where=where, limit=limit)

    def refused(self, model: str, since: datetime, until: datetime) -> dict[str, int]:
        return self._shelf(model).refused(since, until)

    def profile(self, model: str, since: datetime, until: datetime, version: str | None = None) -> Profile:
        return self._shelf(model).profile(since, until, version)

    def _shelf(self, model: str) -> Shelf:
        try:
            return self._shelves[model]
        except KeyError:
            have = ", ".join(sorted(self._shelves)) or "none"
            raise NotFound(f"no records of a model called {model!r}; there are: {have}") from None
