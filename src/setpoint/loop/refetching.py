"""Some rows of an incident beside what their source says of them: what would have been answered."""

from datetime import datetime

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.records import Columns, Records
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.loop.looks.auditing import DAY, as_recorded, readable, sample, table_of
from setpoint.loop.ports import Ports
from setpoint.maintain.drift import alarms
from setpoint.maintain.hypotheses.skew import MONITOR


def asks(deployment: Deployment, incident: Incident, suspect: Records) -> bool:
    """Whether there is a source that answers, and rows that it can tell something of."""
    heard = deployment.audit is not None and deployment.unanswered is None
    return heard and bool(alarms(incident, MONITOR)) and len(suspect) > 0


def is_spent(deployment: Deployment, now: datetime) -> bool:
    """Whether incidents have used the rows that the source may be asked for until now."""
    return deployment.source_spent is not None and now < deployment.source_spent


def counted_in(deployment: Deployment, rows: int, now: datetime) -> Deployment:
    """Count rows that an incident asks for among those of the day, and the days that come."""
    assert deployment.audit is not None
    per_day = deployment.audit.rows_per_day
    begin = max(now, deployment.source_spent or now)
    return replace(deployment, source_spent=begin + min(rows, per_day) / per_day * DAY)


def sourced(
    ports: Ports, deployment: Deployment, schema: Schema, incident: Incident, suspect: Records
) -> tuple[Records, Columns] | None:
    """Ask the source for rows since an incident that an audit raised, for no more than in a day.

    Returns
    -------
    tuple of Records and Columns, or None
        The rows that the source knows, and its columns over them; None where nothing is asked, or nothing comes.
    """
    if not asks(deployment, incident, suspect):
        return None
    assert deployment.audit is not None
    rows = sample(suspect, deployment.audit.rows_per_day)
    said = ports.source.fetch(deployment.audit.function, readable(rows, schema))
    if not said.known.any():
        return None
    found, _ = as_recorded(table_of(said), schema)
    return (rows.take(said.known), found) if found else None
