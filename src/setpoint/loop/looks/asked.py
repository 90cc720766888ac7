"""Requests around an incident of the service, those that failed among them, with inputs that can be read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, IncidentStatus, Repair
from setpoint.domain.record import Role
from setpoint.domain.records import Records, stamp
from setpoint.domain.repaired import repaired
from setpoint.domain.requested import Requested
from setpoint.domain.sensitive import sealed
from setpoint.loop.looks.clear import opened, score, why_unreadable
from setpoint.loop.ports import Ports
from setpoint.maintain.asked_again import MOST, failing
from setpoint.maintain.fallen import answered_instead
from setpoint.maintain.hypotheses.attack import CALLER
from setpoint.maintain.triage import SERVICE
from setpoint.monitor.callers import alike, scale_of

LONGEST = timedelta(days=7)
DAY = timedelta(days=1)
MOST_ROWS = 20_000  # newest
SHORTEST = timedelta(minutes=10)  # that is looked back for a burst
IN_PLACE = (IncidentStatus.MENDING, IncidentStatus.HELD)


def asked_around(ports: Ports, deployment: Deployment, incident: Incident, now: datetime) -> Requested | None:
    """Return the requests around an incident of the service; None for others, or where they cannot be read."""
    if incident.subject != SERVICE and not incident.subject.startswith(CALLER):
        return None
    return recorded_before(ports, deployment, incident, now)


def recorded_before(ports: Ports, deployment: Deployment, incident: Incident, now: datetime) -> Requested | None:
    """Return the requests since a day before an incident began; None where they cannot be read."""
    return _asked(ports, deployment, max(incident.since - DAY, now - LONGEST), now)


def bursting_beside(deployment: Deployment, incident: Incident) -> frozenset[str | None]:
    """Return the callers whose burst is an incident that was not over when another one began."""
    others = (i for i in deployment.incidents if i.id != incident.id and i.subject.startswith(CALLER))
    beside = (i for i in others if i.closed is None or i.closed > incident.since)
    return frozenset(i.subject.removeprefix(CALLER) for i in beside)


def bursts(
    ports: Ports, deployment: Deployment, healthy: Records, since: datetime, now: datetime
) -> tuple[Requested | None, Requested | None]:
    """Return the requests since the last look, ten minutes at least, and those of the week before.

    Nothing, where no caller has sent many that are nearly the same: most looks need not read the week. A burst is not
    what is natural: its rows are left out of that week, for a week; then it is a habit.
    """
    begin = min(since, now - SHORTEST)
    rows = _answered(ports, deployment, healthy, begin, now)
    if not alike(rows, scale_of(healthy)):
        return None, None
    return rows, _without_bursts(_answered(ports, deployment, healthy, begin - LONGEST, begin), deployment)


def _without_bursts(rows: Requested, deployment: Deployment) -> Requested:
    keep = np.ones(len(rows), bool)
    for incident in deployment.incidents:
        if incident.subject.startswith(CALLER):
            time, habit = rows.arrived.view("datetime64[us]"), incident.since + LONGEST
            until = habit if incident.closed is None else min(incident.closed, habit)
            inside = (time >= stamp(incident.since)) & (time < stamp(until))
            keep &= ~(inside & (rows.caller == incident.subject.removeprefix(CALLER)))
    return rows.take(keep)


def _answered(ports: Ports, deployment: Deployment, healthy: Records, since: datetime, until: datetime) -> Requested:
    rows = ports.log.requests(deployment.model, since, until)
    mask = (rows.role != Role.SHADOW.value) & (rows.id != None)  # noqa: E711  # elementwise
    return _kept(rows.take(np.asarray(mask, bool)), tuple(healthy.inputs))


def _kept(rows: Requested, names: Sequence[str]) -> Requested:
    """Return the newest rows, with these features."""
    rows = rows.take(np.arange(max(0, len(rows) - MOST_ROWS), len(rows)))
    return replace(rows, inputs={name: rows.inputs[name] for name in names})


def asked_since_mended(ports: Ports, deployment: Deployment, now: datetime) -> dict[str, Requested]:
    """Return the requests since another version answers a part of them, by incident."""
    found: dict[str, Requested] = {}
    for incident in deployment.incidents:
        repair = incident.repair
        if repair is not None and _stands(incident, deployment):
            assert repair.applied is not None
            rows = _asked(ports, deployment, max(repair.applied, now - LONGEST), now)
            found |= {incident.id: rows} if rows is not None else {}
    return found


def asked_again(ports: Ports, deployment: Deployment, asked: Mapping[str, Requested]) -> dict[str, NDArray[np.bool_]]:
    """Return on which of the newest rows that an earlier version answered in its place the champion fails still."""
    return {
        i.id: _again(ports, deployment, i.repair, asked[i.id])
        for i in deployment.incidents
        if i.id in asked and i.repair is not None
    }


def _again(ports: Ports, deployment: Deployment, repair: Repair, asked: Requested) -> NDArray[np.bool_]:
    rows = answered_instead(repair, asked)
    newest = rows.take(np.arange(max(0, len(rows) - MOST), len(rows)))
    fallback = repair.fallback
    assert fallback is not None
    return failing(
        lambda version, inputs: score(ports, deployment.model, version, inputs),
        fallback.instead_of,
        repaired(newest.inputs, deployment.served.maps),
    )


def _stands(incident: Incident, deployment: Deployment) -> bool:
    fallback = incident.repair.fallback if incident.repair else None
    alone = fallback is not None and incident.repair is not None and incident.repair.map is None
    return incident.status in IN_PLACE and alone and fallback in deployment.served.fallbacks


def _asked(ports: Ports, deployment: Deployment, since: datetime, until: datetime) -> Requested | None:
    schema = ports.bundles.get(deployment.model, deployment.served.champion).schema
    if why_unreadable(ports, schema):
        return None
    rows = ports.log.requests(deployment.model, since, until)
    rows = _kept(rows, schema.names)
    clear = {name: opened(ports, deployment.model, name, rows.inputs[name]) for name in sealed(schema)}
    return replace(rows, inputs={**rows.inputs, **clear})
