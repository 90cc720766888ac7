"""Deleting from a model's tables: days that are too old or too many, and all that is recorded of one subject."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from setpoint.domain.record import Expired
from setpoint.domain.value import value
from setpoint.store.ids import by_day, hashes
from setpoint.store.model_tables import ModelTables
from setpoint.store.profiler import Profiler
from setpoint.store.tables import Table


def expire(tables: ModelTables, before: date | None, at_most_bytes: int | None) -> Expired:
    """Delete the days before a day, then as many of the oldest as are too large together; never the latest.

    Predictions go last: after a stop half-way the same days are found again.
    """
    sizes = Counter(tables.predictions.sizes()) + Counter(tables.outcomes.sizes())
    sizes.pop("", None)
    gone = too_old_or_large({date.fromisoformat(day): size for day, size in sizes.items()}, before, at_most_bytes)
    if not gone:
        return Expired()
    end = _sql(max(gone) + timedelta(days=1))
    tables.profiles.delete(f"start < '{_midnight(max(gone) + timedelta(days=1))}'")
    tables.outcomes.delete(f"day < {end} OR (day IS NULL AND known < '{_midnight(max(gone))}')")
    tables.ids.forget(gone)
    rows = tables.predictions.delete(f"day < {end}")
    for table in tables.all:
        table.purge()
    return Expired(days=tuple(gone), rows=rows, bytes=sum(sizes[day.isoformat()] for day in gone))


def too_old_or_large(sizes: dict[date, int], before: date | None, at_most_bytes: int | None) -> list[date]:
    """Return the days to delete, oldest first, for the bytes of each."""
    days = sorted(sizes)
    gone = [day for day in days if before is not None and day < before]
    left, total = days[len(gone) :], sum(sizes[day] for day in days[len(gone) :])
    while at_most_bytes is not None and total > at_most_bytes and len(left) > 1:
        total -= sizes[left[0]]
        gone.append(left.pop(0))
    return gone


@value
class Subject:
    """What is to be erased: ids, and refused requests, which have none."""

    ids: tuple[str, ...]
    requests: tuple[str, ...] = ()


@value
class Erased:
    """What an erasure deletes."""

    rows: int
    outcomes: int
    days: tuple[date, ...]


def held(tables: ModelTables, subject: Subject, days: Iterable[date]) -> Erased:
    """Return what `erase` will delete; days as there."""
    affected = _affected(tables, subject, days)
    return Erased(
        rows=sum(_count(tables.predictions, day, subject) for day in affected),
        outcomes=sum(_count(tables.outcomes, day, subject) for day in (None, *affected)),
        days=affected,
    )


def erase(tables: ModelTables, subject: Subject, days: Iterable[date], profiler: Profiler) -> Erased:
    """Delete the records and outcomes of a subject, count the affected days anew, and let go of the bytes.

    May be done again after a stop: a day is found by its ids until it is counted.

    Parameters
    ----------
    days : iterable of date
        On which the refused requests were; those of the ids are looked up.
    """
    affected = _affected(tables, subject, days)
    outcomes = sum(_drop(tables.outcomes, day, subject) for day in (None, *affected))
    rows = sum(_drop(tables.predictions, day, subject) for day in affected)
    for day in affected:
        _count_anew(tables, day, profiler)
    for table in tables.all:
        table.purge()
    return Erased(rows=rows, outcomes=outcomes, days=affected)


def _affected(tables: ModelTables, subject: Subject, days: Iterable[date]) -> tuple[date, ...]:
    found = tables.ids.days(hashes(pa.array(subject.ids, pa.string())))
    return tuple(sorted({*days, *(day for day, _ in found)}))


def _of_subject(rows: pa.Table, subject: Subject) -> pa.Array:
    of_id = pc.is_in(rows["id"], pa.array(subject.ids, pa.string()))
    if "request_id" not in rows.column_names:
        return of_id
    refused = pc.and_(pc.is_null(rows["id"]), pc.is_in(rows["request_id"], pa.array(subject.requests, pa.string())))
    return pc.or_(of_id, refused)


def _count(table: Table, day: date | None, subject: Subject) -> int:
    return int(pc.sum(_of_subject(table.load(where=_of_day(day)), subject), min_count=0).as_py())


def _drop(table: Table, day: date | None, subject: Subject) -> int:
    """Write a day without a subject's rows: a table's log would keep the condition of a deletion, and ids in it."""
    rows = table.load(where=_of_day(day))
    kept = rows.filter(pc.invert(_of_subject(rows, subject)))
    if len(kept) < len(rows):
        table.replace("day IS NULL" if day is None else f"day = {_sql(day)}", kept)
    return len(rows) - len(kept)


def _of_day(day: date | None) -> ds.Expression:
    return ds.field("day").is_null() if day is None else ds.field("day") == pa.scalar(day)


def erase_quarantined(spool: Path, subject: Subject) -> int:
    """Delete damaged bytes that were set aside and hold an id of the subject; return how many files."""
    wanted = [msgspec.msgpack.encode(text) for text in (*subject.ids, *subject.requests)]  # with its length
    held = [file for file in (spool / "quarantine").glob("*") if any(text in file.read_bytes() for text in wanted)]
    for file in held:
        file.unlink(missing_ok=True)
    return len(held)


def _count_anew(tables: ModelTables, day: date, profiler: Profiler) -> None:
    rows = tables.predictions.load(where=ds.field("day") == pa.scalar(day))
    stretch = f"start >= '{_midnight(day)}' AND start < '{_midnight(day + timedelta(days=1))}'"
    counted = profiler.add_up(profiler.count(rows))
    tables.profiles.replace(stretch, counted)
    tables.ids.put(day, by_day(rows["id"], rows["day"]).get(day, hashes(rows["id"])))


def _sql(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()
