"""Ask the source of the inputs for a few recorded rows again, and compare."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import numpy as np
import pyarrow as pa

from setpoint.deploy.reference import features_of
from setpoint.domain.audited import Audit, Audited, Refetched, Unanswered
from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.schema import Schema
from setpoint.loop.ports import Ports
from setpoint.monitor.audit import compared

BATCH = 12  # rows that are asked for together, unless fewer are asked for in a day
KEPT = timedelta(days=56)
MOST_KEPT = 500
DAY = timedelta(days=1)
MOST_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a source: one audit or none, whether it does not answer, and what to say of that."""

    audits: tuple[Audited, ...] = ()
    unanswered: Unanswered | None = None
    why: str = ""


def audited(ports: Ports, deployment: Deployment, schema: Schema, history: Records, now: datetime) -> Asked:
    """Audit what came since the last audit: no more rows than are due by now, chosen by their ids, whatever they hold.

    What incidents have asked for is no longer due. A source that knows none of the rows, or fails, is asked again after
    twice the time, at last once a day.
    """
    if deployment.audit is None:
        return Asked()
    silent = deployment.unanswered
    if silent is not None and silent.function != deployment.audit.function:
        silent = None
    last = deployment.audits[-1] if deployment.audits else None
    since = max(
        last.at if last else deployment.releases[0].at, deployment.source_spent or datetime.min.replace(tzinfo=UTC)
    )
    per_day = deployment.audit.rows_per_day
    due = int(min((now - since) / DAY, 1.0) * per_day)
    rows = history.between(last.until + timedelta(microseconds=1) if last else None, None)
    if due < min(BATCH, per_day) or not len(rows) or (silent and now < next_time(deployment.audit, silent)):
        return Asked(unanswered=silent, why=no_answer(deployment))
    chosen = sample(rows, due)
    asked = readable(chosen, schema)
    said = ports.source.fetch(deployment.audit.function, asked)
    found, wrong = as_recorded(table_of(said), schema) if said.known.any() else ({}, [])
    why = "; ".join(filter(None, (said.error, *wrong)))
    if not found:
        nothing = "says nothing of any feature" if said.known.any() else f"knows none of {_named(chosen)}"
        missed = _missed(silent, deployment.audit.function, why or f"the source {nothing}", now)
        return Asked(unanswered=missed, why=no_answer(replace(deployment, unanswered=missed)))
    return Asked(audits=(compared(asked.take(said.known), found, now),), why=why)


def next_time(audit: Audit, silent: Unanswered) -> datetime:
    """Return when a source that does not answer is asked again."""
    usual: timedelta = min(BATCH, audit.rows_per_day) / audit.rows_per_day * DAY
    wait: timedelta = min(usual * 2 ** min(silent.times, MOST_DOUBLINGS), DAY)
    return silent.at + wait


def no_answer(deployment: Deployment) -> str:
    """Say that a source does not answer, and what to do; nothing where it does."""
    silent = deployment.unanswered
    if deployment.audit is None or silent is None:
        return ""
    times = f"asked {silent.times} times" if silent.times > 1 else "asked once"
    return (
        f"{silent.why} ({silent.function}, {times} since {silent.since:%Y-%m-%d %H:%M}, again after "
        f"{next_time(deployment.audit, silent):%Y-%m-%d %H:%M} UTC); mend the function, then try "
        f"`setpoint audit {deployment.model}`"
    )


def _missed(silent: Unanswered | None, function: str, why: str, now: datetime) -> Unanswered:
    if silent is None:
        return Unanswered(function=function, since=now, at=now, times=1, why=why)
    return replace(silent, at=now, times=silent.times + 1, why=why)


def _named(rows: Records) -> str:
    """Name so many records, with an id that the source can be tried with."""
    return f"{len(rows)} records, {rows.id[-1]!r} for example"


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
