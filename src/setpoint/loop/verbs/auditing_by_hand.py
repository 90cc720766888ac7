"""Audits that a person asks for: now, or against a table."""

from datetime import datetime

import numpy as np
import pyarrow as pa

from setpoint.domain.audited import Audited
from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop.looks.auditing import KEPT, as_recorded, kept, readable, sample, table_of
from setpoint.loop.looks.columns import fitting
from setpoint.loop.ports import Ports
from setpoint.monitor.audit import compared

MOST = 20_000  # rows of one audit
IDS = ("id", "request_id")


def audit_source(ports: Ports, model: str, rows: int, now: datetime) -> tuple[tuple[Audited, ...], str]:
    """Ask the source that setpoint.yaml names for some records of the last day, and keep what came of it.

    Returns
    -------
    tuple of Audited
        By day of the records.
    str
        What was wrong with what the source said.
    """
    with ports.state.lease():
        deployment, schema, records = _newest(ports, model, now)
        if deployment.audit is None:
            raise Conflict(
                f"no source is named for {model}: name a table, or `audit: {{function: …}}` in setpoint.yaml"
            )
        asked = readable(sample(newest(records, rows), rows), schema)
        said = ports.source.fetch(deployment.audit.function, asked)
        columns, wrong = as_recorded(table_of(said), schema)
        why = "; ".join(filter(None, (said.error, *wrong)))
        if not said.known.any() or not columns:
            raise Conflict(why or f"the source knows none of {len(asked)} records")
        return _stored(ports, deployment, by_day(asked.take(said.known), columns, now), now), why


def audit_table(ports: Ports, model: str, table: pa.Table, key: str | None, now: datetime) -> tuple[Audited, ...]:
    """Compare the newest records with the rows of a table that have their id, or their value of a feature.

    Raises
    ------
    InvalidInput
        If the table has no such column, no feature, the same key twice, or no recorded one.
    """
    with ports.state.lease():
        deployment, schema, records = _newest(ports, model, now)
        name = _key(table, key, schema)
        ours = records.inputs[name] if name in schema.names else records.id
        rows, places = _joined(ours, table.column(name), name)
        if not len(rows):
            raise InvalidInput(f"no record of {model} of the last {KEPT.days} days has a {name} of the table")
        rows, places = rows[-MOST:], places[-MOST:]
        columns, wrong = as_recorded(table.drop_columns([name]).take(places), schema)
        if wrong or not columns:
            raise InvalidInput("; ".join(wrong) or f"the table has no feature of {model} that is recorded as it came")
        return _stored(ports, deployment, by_day(readable(records.take(rows), schema), columns, now), now)


def by_day(rows: Records, source: Columns, now: datetime) -> tuple[Audited, ...]:
    """Compare rows with their source, those of each day by themselves."""
    days = rows.time.astype("datetime64[D]")
    parts = [days == day for day in np.unique(days)]
    return tuple(compared(rows.take(part), {n: c[part] for n, c in source.items()}, now) for part in parts)


def _newest(ports: Ports, model: str, now: datetime) -> tuple[Deployment, Schema, Records]:
    ports.log.ingest()
    deployment = ports.state.load(model)
    schema = ports.bundles.get(model, deployment.served.champion).schema
    if schema.sensitive_id is not None:
        raise Conflict(f"ids of {model} are recorded hashed: no source knows them")
    records = fitting(ports, model, ports.log.read(model, since=now - KEPT), schema)
    if not len(records):
        raise Conflict(f"nothing is recorded of {model} in the last {KEPT.days} days")
    return deployment, schema, records


def newest(records: Records, rows: int) -> Records:
    """Return the records of the last day on which there are some; where they are fewer than `rows`, so many."""
    day = int(np.searchsorted(records.time, records.time[-1] - np.timedelta64(1, "D")))
    return records.take(np.arange(max(min(day, len(records) - rows), 0), len(records)))


def _stored(ports: Ports, deployment: Deployment, made: tuple[Audited, ...], now: datetime) -> tuple[Audited, ...]:
    """Keep audits in the place of those of the same stretch: no record counts twice."""
    others = [a for a in deployment.audits if a.until < made[0].since or a.since > made[-1].until]
    ports.state.save(replace(deployment, audits=kept((*others, *made), now), unanswered=None))
    return made


def _key(table: pa.Table, key: str | None, schema: Schema) -> str:
    names = [key] if key else [n for n in (schema.id, *IDS) if n]
    found = next((n for n in names if n in table.column_names), None)
    if found is None:
        raise InvalidInput(
            f"the table has no column {' or '.join(map(repr, names))}; it has {', '.join(table.column_names)}"
        )
    return found


def _joined(ours: Column, theirs: pa.ChunkedArray, name: str) -> tuple[Column, Column]:
    """Return the places of records, and of the rows of a table with the same key."""
    places: dict[str, int] = {}
    for place, found in enumerate(theirs.to_pylist()):
        if _text(found) in places:
            raise InvalidInput(f"the table has more than one row whose {name} is {_text(found)!r}")
        places[_text(found)] = place
    at = np.array([places.get(_text(k), -1) for k in ours.tolist()])
    return np.flatnonzero(at >= 0), at[at >= 0]


def _text(key: object) -> str:
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)
