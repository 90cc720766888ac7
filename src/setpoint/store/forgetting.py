"""Deleting from a model's tables: days that are too old or too many, and all that is recorded of one subject."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from setpoint.domain.profile import Binning
from setpoint.domain.record import Expired
from setpoint.domain.schema import Schema
from setpoint.domain.value import value
from setpoint.store.ids import by_day, hashes
from setpoint.store.model_tables import ModelTables
from setpoint.store.profiles import compacted, profile_rows

AT_ONCE = 1_000  # values in one condition


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
    """What an erasure deleted."""

    rows: int
    outcomes: int
    days: tuple[date, ...]


def erase(tables: ModelTables, subject: Subject, days: Iterable[date], schema: Schema, binning: Binning) -> Erased:
    """Delete the records and outcomes of a subject, count the affected days anew, and let go of the bytes.

    May be done again after a stop.

    Parameters
    ----------
    days : iterable of date
        On which the refused requests were; those of the ids are looked up.
    """
    affected = set(days)
    for part in _parts(subject.ids):
        affected.update(day for day, _ in tables.ids.days(hashes(pa.array(part, pa.string()))))
    where = f"day IN ({', '.join(map(_sql, sorted(affected)))})"
    rows = outcomes = 0
    for part in _parts(subject.ids):
        outcomes += tables.outcomes.delete(_among("id", part))
        rows += tables.predictions.delete(f"{where} AND {_among('id', part)}") if affected else 0
    for part in _parts(subject.requests):
        rows += tables.predictions.delete(f"{where} AND id IS NULL AND {_among('request_id', part)}")
    for day in sorted(affected):
        _count_anew(tables, day, schema, binning)
    for table in tables.all:
        table.purge()
    return Erased(rows=rows, outcomes=outcomes, days=tuple(sorted(affected)))


def erase_quarantined(spool: Path, subject: Subject) -> int:
    """Delete damaged bytes that were set aside and hold an id of the subject; return how many files."""
    wanted = [text.encode() for text in (*subject.ids, *subject.requests)]
    held = [file for file in (spool / "quarantine").glob("*") if any(text in file.read_bytes() for text in wanted)]
    for file in held:
        file.unlink(missing_ok=True)
    return len(held)


def _count_anew(tables: ModelTables, day: date, schema: Schema, binning: Binning) -> None:
    rows = tables.predictions.load(where=ds.field("day") == pa.scalar(day))
    tables.ids.put(day, by_day(rows["id"], rows["day"]).get(day, hashes(rows["id"])))
    stretch = f"start >= '{_midnight(day)}' AND start < '{_midnight(day + timedelta(days=1))}'"
    counted = compacted(profile_rows(rows, schema, binning), binning)
    if counted.num_rows:
        tables.profiles.replace(stretch, counted)
    else:
        tables.profiles.delete(stretch)


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[at : at + AT_ONCE] for at in range(0, len(texts), AT_ONCE))


def _among(column: str, texts: Sequence[str]) -> str:
    quoted = ["'" + text.replace("'", "''") + "'" for text in texts]
    return f"{column} IN ({', '.join(quoted)})"


def _sql(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()
