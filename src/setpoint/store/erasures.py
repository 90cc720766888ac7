"""Erasures of a model: what is under way survives a stop, and what is done leaves a receipt that names nobody."""

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.erased import SALT, ErasedIds, salted, to_remember
from setpoint.domain.record import Erasure
from setpoint.domain.value import field, from_json, replace, to_json, value
from setpoint.store.forgetting import Erased, Subject, erase, erase_quarantined
from setpoint.store.model_tables import ModelTables
from setpoint.store.profiler import Profiler
from setpoint.store.segments import segments
from setpoint.store.spool import OUTCOMES, RECORDS

BEGUN, DONE, IDS = ".begun.json", ".json", ".u64"
SALT_FILE = "salt"
LearntFrom = Callable[[Sequence[str]], Sequence[str]]


@value
class Begun:
    """An erasure under way; `taught` are the versions that surely learnt from its ids."""

    erasure: Erasure
    subject: Subject
    learnt: dict[str, date] = field(default_factory=dict)
    taught: tuple[str, ...] = ()


def new_erasure(model: str, subject: Subject, held: Erased, *, what: str, by: str, now: datetime) -> Erasure:
    """Return the receipt of what has not begun, with what there is to delete: after a stop less is found."""
    id_ = f"{now:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    ids, rows, outcomes, days = len(subject.ids), held.rows, held.outcomes, held.days
    return Erasure(id=id_, model=model, asked=now, by=by, what=what, ids=ids, rows=rows, outcomes=outcomes, days=days)


def subject_of(ids: Sequence[str], tables: Iterable[pa.Table]) -> tuple[Subject, tuple[date, ...]]:
    """Return what is to be erased, and on which days: some ids, and the rows of tables."""
    found, requests, days = set(ids), set[str](), set[date]()
    for table in tables:
        found.update(table["id"].drop_null().to_pylist())
        refused = table.filter(pc.is_null(table["id"]))
        requests.update(refused["request_id"].to_pylist())
        days.update(refused["day"].to_pylist())
    return Subject(ids=tuple(sorted(found)), requests=tuple(sorted(requests))), tuple(sorted(days))


def without_own_id(rows: pa.Table) -> pa.Table:
    """Return the rows that have no id of their own: none, or that of their request and a number."""
    found = zip(rows["id"].to_pylist(), rows["request_id"].to_pylist(), strict=True)
    return rows.filter(pa.array([id_ is None or id_.startswith(f"{asked}/") for id_, asked in found], pa.bool_()))


class Erasures:
    """The erasures of a model, in a folder.

    Parameters
    ----------
    folder : Path
        Holds one file for each; made when it is needed.
    spool : Path
        The model's part of the spool.
    sensitive : bool
        Whether ids are recorded as keyed hashes: then nothing made of a raw one is kept.
    """

    def __init__(self, folder: Path, spool: Path, *, sensitive: bool) -> None:
        self._folder = folder
        self._spool = spool
        self._sensitive = sensitive

    def begin(self, job: Begun) -> Path:
        """Write down what is to be done, so that it will be."""
        self._folder.mkdir(exist_ok=True)
        return _write(self._folder / (job.erasure.id + BEGUN), job)

    def begun(self) -> list[Path]:
        """Return the erasures that are not done."""
        return sorted(self._folder.glob("*" + BEGUN))

    def finish(self, begun: Path, tables: ModelTables, profiler: Profiler, now: datetime) -> Erasure:
        """Do what was written down, and leave the receipt in its place; may be done again after a stop."""
        job = from_json(begun.read_bytes(), Begun)
        self._remember(job)
        gone = erase(tables, job.subject, job.erasure.days, profiler)
        receipt = replace(
            job.erasure,
            rows=max(job.erasure.rows, gone.rows),
            outcomes=max(job.erasure.outcomes, gone.outcomes),
            days=gone.days,
            quarantined=erase_quarantined(self._spool, job.subject),
            learnt=learnt_by(job.learnt, gone.days, job.taught),
            segments=tuple(path.name for kind in (OUTCOMES, RECORDS) for path in segments(self._spool, kind)),
            done=now,
        )
        for cut_off in self._folder.glob("*.new"):  # by a kill; names who was to be erased
            cut_off.unlink()
        _write(self._folder / (receipt.id + DONE), receipt)
        begun.unlink()
        return receipt

    def ids(self) -> ErasedIds:
        """Return all ids that were erased, as salted hashes."""
        found = [np.frombuffer(file.read_bytes(), "<u8") for file in self._folder.glob("*" + IDS)]
        hashes = np.unique(np.concatenate([np.empty(0, np.uint64), *found]))
        return ErasedIds(salt=self._salt(), hashes=hashes)

    def _remember(self, job: Begun) -> None:
        """Keep hashes of the ids, so that no later training set takes them from elsewhere."""
        ids = np.array(to_remember(job.subject.ids, sensitive=self._sensitive), object)
        _replace(self._folder / (job.erasure.id + IDS), salted(ids, self._salt()).astype("<u8").tobytes())

    def _salt(self) -> str:
        """Return what ids are hashed with; made when the first is erased."""
        file = self._folder / SALT_FILE
        if not file.exists():
            if not self._folder.exists():
                return "0" * SALT
            _replace(file, os.urandom(SALT // 2).hex().encode())
        return file.read_text()

    def receipts(self) -> list[Erasure]:
        """Return the receipts, oldest first."""
        files = (file for file in sorted(self._folder.glob("*" + DONE)) if not file.name.endswith(BEGUN))
        return [from_json(file.read_bytes(), Erasure) for file in files]


def learnt_by(learnt: dict[str, date], days: Sequence[date], taught: Sequence[str]) -> tuple[str, ...]:
    """Return the versions that learnt from what was erased, and those that were trained on its days or later ones."""
    by_day = (v for v, until in learnt.items() if any(day <= until for day in days))
    return tuple(dict.fromkeys([*taught, *by_day]))


def _write(file: Path, thing: object) -> Path:
    return _replace(file, to_json(thing, pretty=True))


def _replace(file: Path, content: bytes) -> Path:
    new = file.with_name(file.name + ".new")
    new.write_bytes(content)
    return new.rename(file)
