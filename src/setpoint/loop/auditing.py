"""Ask the source of the inputs for a few recorded rows again, and compare."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zlib import crc32

import numpy as np
import pyarrow as pa

from setpoint.deploy.reference import features_of
from setpoint.domain.audited import Audited, Refetched
from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema
from setpoint.loop.ports import Ports
from setpoint.monitor.audit import compared

BATCH = 12  # rows that are asked for together, unless fewer are asked for in a day
KEPT = timedelta(days=56)
MOST_KEPT = 500
DAY = timedelta(days=1)


def audited(
    ports: Ports, deployment: Deployment, schema: Schema, history: Records, now: datetime
) -> tuple[tuple[Audited, ...], str]:
    """Audit what came since the last audit: no more rows than are due by now, chosen by their ids, whatever they hold.

    Returns
    -------
    tuple of Audited
        One, or none where nothing is due or nothing could be compared.
    str
        Why nothing could be compared, or what was wrong with what the source said.
    """
    if deployment.audit is None:
        return (), ""
    last = deployment.audits[-1] if deployment.audits else None
    since = last.at if last else deployment.releases[0].at
    per_day = deployment.audit.rows_per_day
    due = int(min((now - since) / DAY, 1.0) * per_day)
    rows = history.between(last.until + timedelta(microseconds=1) if last else None, None)
    if due < min(BATCH, per_day) or not len(rows):
        return (), ""
    chosen = sample(rows, due)
    asked = readable(chosen, schema)
    said = ports.source.fetch(deployment.audit.function, asked)
    if not said.known.any():
        return (), said.error or f"the source knows none of {len(chosen)} records"
    found, wrong = as_recorded(table_of(said), schema)
    why = "; ".join(filter(None, (said.error, *wrong)))
    if not found:
        return (), why or "the source says nothing of any feature"
    return (compared(asked.take(said.known), found, now),), why


def sample(rows: Records, count: int) -> Records:
    """Return so many rows, in time order: those whose ids have the smallest checksums."""
    if len(rows) <= count:
        return rows
    order = np.argsort([crc32(str(i).encode()) for i in rows.id.tolist()], kind="stable")
    return rows.take(np.sort(order[:count]))


def readable(rows: Records, schema: Schema) -> Records:
    """Return rows without the inputs that are recorded otherwise than they came."""
    names = [f.name for f in schema.features if f.sensitive is None]
    return replace(rows, inputs={name: rows.inputs[name] for name in names})


def table_of(said: Refetched) -> pa.Table:
    """Return what a source says as a table."""
    return pa.table({name: pa.array(column, from_pandas=True) for name, column in said.columns.items()})


def as_recorded(table: pa.Table, schema: Schema) -> tuple[Columns, list[str]]:
    """Return the features of a source in the form of recorded inputs, and what is wrong with those that have none."""
    found: dict[str, Column] = {}
    wrong = []
    for feature in schema.features:
        if feature.sensitive is not None or feature.name not in table.column_names:
            continue
        try:
            found |= features_of(table, [feature])
        except pa.ArrowException:
            wrong.append(f"{feature.name}: the source says texts of a number")
    return found, wrong


def kept(audits: Iterable[Audited], now: datetime) -> tuple[Audited, ...]:
    """Return the audits of the last weeks."""
    return tuple(a for a in audits if a.at > now - KEPT)[-MOST_KEPT:]
