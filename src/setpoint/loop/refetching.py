"""Some rows of an incident beside what their source says of them: what would have been answered."""

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident
from setpoint.domain.records import Columns, Records
from setpoint.domain.schema import Schema
from setpoint.loop.auditing import as_recorded, readable, sample, table_of
from setpoint.loop.ports import Ports
from setpoint.maintain.drift import alarms
from setpoint.maintain.hypotheses.skew import MONITOR


def sourced(
    ports: Ports, deployment: Deployment, schema: Schema, incident: Incident, suspect: Records
) -> tuple[Records, Columns] | None:
    """Ask the source for rows since an incident that an audit raised, for no more than in a day.

    Returns
    -------
    tuple of Records and Columns, or None
        The rows that the source knows, and its columns over them; None where nothing is asked, or nothing comes.
    """
    if deployment.audit is None or not alarms(incident, MONITOR) or not len(suspect):
        return None
    rows = sample(suspect, deployment.audit.rows_per_day)
    said = ports.source.fetch(deployment.audit.function, readable(rows, schema))
    if not said.known.any():
        return None
    found, _ = as_recorded(table_of(said), schema)
    return (rows.take(said.known), found) if found else None
