"""What is done about incidents."""

from setpoint.domain.event import What
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.incident import IncidentStatus
from setpoint.domain.live import alone
from setpoint.domain.records import Columns
from setpoint.domain.remembering import ranked
from setpoint.domain.value import replace
from setpoint.loop import actions as do
from setpoint.loop.acts.base import act
from setpoint.loop.asked import asked_around
from setpoint.loop.changes import (
    cause_of,
    decided,
    ending,
    find_incident,
    with_incident,
)
from setpoint.loop.clear import in_clear, score
from setpoint.loop.columns import same_columns
from setpoint.loop.look import Look
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_binning
from setpoint.loop.taking import taken_back
from setpoint.maintain.case import Case
from setpoint.maintain.investigate import investigate
from setpoint.maintain.onset import onset_of


@act.register
def _(action: do.Investigate, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    releases = same_columns(ports, deployment)
    champion = releases[-1]
    healthy, suspect = look.healthy(deployment, incident.since), look.history.between(incident.since, None)
    if not look.unreadable:
        healthy, suspect = (in_clear(ports, deployment.model, rows) for rows in (healthy, suspect))
    case = Case(
        schema=look.champion.schema,
        binning=read_binning(ports.bundles.folder(deployment.model, champion.version)),
        healthy=healthy,
        suspect=suspect,
        champion=champion,
        previous=releases[-2] if len(releases) > 1 else None,
        maps=deployment.served.maps,
        unreadable=look.unreadable,
        asked=asked_around(ports, deployment, incident, look.now),
    )

    def ask(version: str, inputs: Columns) -> Columns:
        return score(ports, deployment.model, version, inputs)

    causes, repair = investigate(incident, case, ask)
    onset = onset_of(incident, causes, healthy, suspect, look.champion.schema)
    changed = replace(
        ranked(incident, look.now, causes),
        investigated=look.now,
        causes=causes,
        repair=repair,
        began=(onset.after, onset.before) if onset else incident.began,
        examples=onset.examples if onset else incident.examples,
    )
    if incident.causes and cause_of(incident) == cause_of(changed):
        return with_incident(deployment, changed)
    cause, subject = cause_of(changed)
    why = "; ".join(causes[0].evidence)
    told = f"most likely {cause} of {subject} (weight {causes[0].weight:.2f}): {why}"
    deployment = with_incident(deployment, changed, look.now, told, what=What.LOCATED)
    return decided(deployment, look.now, cause, subject, "locate", why)


@act.register
def _(action: do.Mend, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    repair = replace(action.repair, applied=look.now)
    served, releases, why = deployment.served, deployment.releases, action.why
    if repair.map is not None:
        others = tuple(m for m in served.maps if not set(m.changes) & set(repair.map.changes))
        served = replace(served, maps=(*others, repair.map))
    if repair.fallback is not None:
        served = replace(served, fallbacks=(*served.fallbacks, repair.fallback))
    if repair.to_version is not None:
        release = Release(version=repair.to_version, at=look.now, by=action.by, replaced=served.champion)
        why += ending(served)
        served, releases = alone(served, repair.to_version), (*releases, release)
    changed = replace(incident, status=IncidentStatus.MENDING, repair=repair, acted_by=action.by)
    deployment = replace(deployment, served=served, releases=releases)
    told = f"{repair.remedy} by {action.by}: {why}"
    deployment = with_incident(deployment, changed, look.now, told, what=What.MENDED, by=action.by)
    return decided(deployment, look.now, *cause_of(changed), "mend", f"{repair.remedy}: {why}", action.by)


@act.register
def _(action: do.Ask, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = replace(find_incident(deployment, action.incident), status=IncidentStatus.WAITING)
    deployment = with_incident(deployment, incident, look.now, f"waits for a person: {action.why}", what=What.ASKED)
    return decided(deployment, look.now, *cause_of(incident), "ask", action.why)


@act.register
def _(action: do.Hold, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    assert incident.repair is not None
    repair = replace(incident.repair, loss_realised=action.loss)
    held = replace(incident, status=IncidentStatus.HELD, repair=repair)
    deployment = with_incident(deployment, held, look.now, f"recovered: {action.why}", what=What.RECOVERED)
    return decided(deployment, look.now, *cause_of(held), "recovered", action.why)


@act.register
def _(action: do.Undo, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    return taken_back(deployment, action.incident, look.now, action.why, helped=action.helped)


@act.register
def _(action: do.Close, ports: Ports, deployment: Deployment, look: Look) -> Deployment:
    incident = find_incident(deployment, action.incident)
    repair = incident.repair
    if repair is not None and action.loss is not None:
        repair = replace(repair, loss_realised=action.loss)
    closed = replace(incident, status=IncidentStatus.CLOSED, closed=look.now, repair=repair)
    deployment = with_incident(deployment, closed, look.now, f"closed: {action.why}", what=What.CLOSED)
    return decided(deployment, look.now, *cause_of(closed), "close", action.why)
