"""Erasures of a model: what is under way survives a stop, and what is done leaves a receipt that names nobody."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from setpoint.domain.record import Erasure
from setpoint.domain.value import field, from_json, replace, to_json, value
from setpoint.store.forgetting import Erased, Subject, erase, erase_quarantined
from setpoint.store.model_tables import ModelTables
from setpoint.store.profiler import Profiler
from setpoint.store.segments import segments
from setpoint.store.spool import OUTCOMES, RECORDS

BEGUN, DONE = ".begun.json", ".json"


@value
class Begun:
    """An erasure under way."""

    erasure: Erasure
    subject: Subject
    learnt: dict[str, date] = field(default_factory=dict)


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
    """

    def __init__(self, folder: Path, spool: Path) -> None:
        self._folder = folder
        self._spool = spool

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
        gone = erase(tables, job.subject, job.erasure.days, profiler)
        receipt = replace(
            job.erasure,
            rows=max(job.erasure.rows, gone.rows),
            outcomes=max(job.erasure.outcomes, gone.outcomes),
            days=gone.days,
            quarantined=erase_quarantined(self._spool, job.subject),
            learnt=tuple(v for v, until in job.learnt.items() if any(day <= until for day in gone.days)),
            segments=tuple(path.name for kind in (OUTCOMES, RECORDS) for path in segments(self._spool, kind)),
            done=now,
        )
        for cut_off in self._folder.glob("*.new"):  # by a kill; names who was to be erased
            cut_off.unlink()
        _write(self._folder / (receipt.id + DONE), receipt)
        begun.unlink()
        return receipt

    def receipts(self) -> list[Erasure]:
        """Return the receipts, oldest first."""
        files = (file for file in sorted(self._folder.glob("*" + DONE)) if not file.name.endswith(BEGUN))
        return [from_json(file.read_bytes(), Erasure) for file in files]


def _write(file: Path, thing: object) -> Path:
    new = file.with_suffix(".new")
    new.write_bytes(to_json(thing, pretty=True))
    return new.rename(file)
