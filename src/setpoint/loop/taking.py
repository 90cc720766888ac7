"""Take a repair at the door back: when its column is well again, when it did not help, or when a person says so."""

from datetime import datetime

from setpoint.domain.envelope import LOOP
from setpoint.domain.event import What
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, IncidentStatus, Remedy
from setpoint.domain.value import replace
from setpoint.errors import Conflict
from setpoint.loop.changes import cause_of, decided, find_incident, having_incident, settle, with_incident
from setpoint.loop.ports import Ports
from setpoint.maintain.triage import QUALITY


def taken_back(
    deployment: Deployment, id_: str, now: datetime, why: str, *, helped: bool, by: str = LOOP
) -> Deployment:
    """Return the deployment without the repair of an incident, which is over if the repair helped, and else open."""
    incident = find_incident(deployment, id_)
    repair = incident.repair
    assert repair is not None
    if repair.map is not None:
        kept = tuple(m for m in deployment.served.maps if m.id != repair.map.id)
        deployment = replace(deployment, served=replace(deployment.served, maps=kept))
    if repair.fallback is not None:
        others = tuple(f for f in deployment.served.fallbacks if f.id != repair.fallback.id)
        deployment = replace(deployment, served=replace(deployment.served, fallbacks=others))
    changed = replace(
        incident,
        status=IncidentStatus.CLOSED if helped else IncidentStatus.OPEN,
        repair=replace(repair, lifted=now, refuted=not helped),
        closed=now if helped else None,
        investigated=now,
        approved_by=incident.approved_by if helped else "",
        taken_by="" if by == LOOP else by,
    )
    verb, what = ("lift", What.LIFTED) if helped else ("undo", What.UNDONE)
    deployment = with_incident(deployment, changed, now, f"{verb} {repair.remedy}: {why}", what=what, by=by)
    return decided(deployment, now, *cause_of(changed), verb, why, by)


def taken_by(incident: Incident, deployment: Deployment) -> str:
    """Return who took a repair of the same columns back while its fault lasts; empty where nobody did."""
    about = _about(incident)
    return next((i.taken_by for i in deployment.incidents if i.live and i.taken_by and about & _about(i)), "")


def is_persons(deployment: Deployment) -> bool:
    """Whether a person took over what a training would answer, or does not want one."""
    live = [i for i in deployment.incidents if i.live]
    taken = [i for i in live if i.handled_by and (i.subject == QUALITY or (i.repair and i.repair.remedy.is_advice))]
    refused = [i for i in live if i.refusal and i.refusal.remedy in (Remedy.RETRAIN, Remedy.RECALIBRATE)]
    return bool(taken or refused)


def _about(incident: Incident) -> set[str]:
    repair = incident.repair
    return {incident.subject, *(repair.map.changes if repair and repair.map else ())}


def take_back(ports: Ports, id_: str, now: datetime, *, by: str) -> Deployment:
    """Take the repair of an incident back by a person's word; from then on a person is asked before another acts.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If no repair of it is in place at the door, and outcomes are not held for it.
    """
    with ports.state.lease():
        before = having_incident(ports, id_)
        incident = find_incident(before, id_)
        repair = incident.repair
        undone = repair is not None and (repair.map is not None or repair.remedy in (Remedy.HOLD, Remedy.FALLBACK))
        if repair is None or not undone or not repair.in_force:
            raise Conflict(f"no repair of {id_} is in place at the door: it is {incident.status}")
        return settle(ports, before, taken_back(before, id_, now, f"taken back by {by}", helped=False, by=by))
