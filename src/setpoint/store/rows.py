"""Rows of the record log in memory, in time order."""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.record import Role
from setpoint.domain.records import stamp
from setpoint.store.batch import Batch
from setpoint.store.growing import Growing


class Rows:
    """Rows ordered by event time, then arrival, then id and place in the request."""

    def __init__(self) -> None:
        self._rows = Growing()
        self._new: list[dict[str, NDArray[Any]]] = []

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows) + sum(len(columns["time"]) for columns in self._new)

    def add(self, batch: Batch) -> None:
        """Take rows in; they are sorted when somebody reads."""
        if len(batch):
            self._new.append(batch.columns() | {"hash": join_codes(batch.fixed["id"])})

    def answered(
        self, since: datetime | None, until: datetime | None, role: Role, version: str | None
    ) -> dict[str, NDArray[Any]]:
        """Return copies of all columns for the rows that got an answer."""
        lo, hi = self._between(since, until)
        if lo == hi:
            return {}
        keep = (self._rows["status"][lo:hi] == 200) & (self._rows["role"][lo:hi] == role.value)
        if version is not None:
            keep &= self._rows["version"][lo:hi] == version
        if keep.all():
            return {name: self._rows[name][lo:hi].copy() for name in self._rows.names()}
        which = lo + np.flatnonzero(keep)
        return {name: self._rows[name][which] for name in self._rows.names()}

    def requests(self, since: datetime, until: datetime) -> NDArray[Any]:
        """Return the violations (tuples) of the champion's requests, one entry a request; none of an answered one."""
        lo, hi = self._between(since, until)
        if lo == hi:
            return np.empty(0, object)
        answered = self._rows["status"][lo:hi] == 200
        role = self._rows["role"][lo:hi]
        first = (self._rows["row"][lo:hi] == 0) & ((role == Role.CHAMPION.value) | (role == Role.BASELINE.value))
        violations: NDArray[Any] = self._rows["violations"][lo:hi][first]
        none = np.empty(1, object)
        none[0] = ()
        violations[answered[first]] = none
        return violations

    def all(self, since: datetime | None, until: datetime | None) -> dict[str, NDArray[Any]]:
        """Return copies of all columns for all rows, whatever came of them."""
        lo, hi = self._between(since, until)
        return {name: self._rows[name][lo:hi].copy() for name in self._rows.names()} if lo < hi else {}

    def _between(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        self._settle()
        if not len(self._rows):
            return 0, 0
        time = self._rows["time"]
        lo = 0 if since is None else int(np.searchsorted(time, _us(since)))
        hi = len(time) if until is None else int(np.searchsorted(time, _us(until)))
        return lo, max(lo, hi)

    def _settle(self) -> None:
        """Sort what is new into the rows; only those at and after its first time move."""
        if not self._new:
            return
        new = {name: np.concatenate([part[name] for part in self._new]) for name in self._new[0]}
        self._new.clear()
        at = len(self._rows)
        if at:
            at = int(np.searchsorted(self._rows["time"], new["time"].min()))
            new = {name: np.concatenate([self._rows[name][at:], column]) for name, column in new.items()}
        texts = np.array(["" if i is None else i for i in new["id"]])
        order = np.lexsort((new["row"], texts, new["arrived"], new["time"]))
        self._rows.splice(at, {name: column[order] for name, column in new.items()})


def join_codes(ids: NDArray[Any]) -> NDArray[np.int64]:
    """Return a 64-bit hash an id, keyed at random for this process; the chance that two of 10⁷ ids meet is 10⁻⁶."""
    return np.fromiter(map(hash, ids), np.int64, len(ids))


def _us(when: datetime) -> np.int64:
    return stamp(when).astype(np.int64)
