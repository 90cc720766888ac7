"""What is done next about an incident: it is investigated, mended, or over."""

from datetime import timedelta

from setpoint.config import is_quality
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, IncidentStatus
from setpoint.domain.mending import barred
from setpoint.loop.actions import Action, Ask, Close, Investigate, Mend
from setpoint.loop.bettering import next_better
from setpoint.loop.history import changes_of
from setpoint.loop.looks.look import Look
from setpoint.loop.placing import overlapping
from setpoint.loop.plan.in_place import next_in_place
from setpoint.loop.taking import objection
from setpoint.maintain.decide import decide
from setpoint.maintain.hypotheses.attack import CALLER
from setpoint.maintain.triage import DISK, QUALITY, SERVICE

QUIET = timedelta(days=2)  # an incident whose alarms are silent for so long, and for two looks, is over
SERVICE_QUIET = timedelta(hours=1)  # failures that are over are over: their windows say so


def next_for(incident: Incident, deployment: Deployment, look: Look) -> Action | None:
    """Return what is done next about an incident that is not over."""
    if incident.handled_by:
        return _next_for_handled(incident, deployment, look)
    match incident.status:
        case IncidentStatus.OPEN | IncidentStatus.WAITING:
            action = _next_for_open(incident, deployment, look)
        case _:
            action = next_in_place(incident, deployment, look)
    return action or next_better(incident, deployment, look)


def _next_for_open(incident: Incident, deployment: Deployment, look: Look) -> Action | None:
    if _silent(incident, look):
        return Close(incident=incident.id, why="its alarms have fallen silent")
    if _worth_investigating(incident, deployment, look):
        return Investigate(incident=incident.id)
    repair = incident.repair
    if repair is None or repair.remedy.is_advice or barred(incident, repair):
        return None  # nothing proven, nothing to do here, or tried and taken back
    if incident.refusal is not None:
        return None
    if incident.approved_by:
        return Mend(incident=incident.id, repair=repair, why=repair.proof, by=incident.approved_by)
    verb, why = decide(incident, deployment.envelope, changes_of(deployment.decisions), look.now)
    if verb == "act" and (why_not := objection(incident, deployment, look.now)):
        verb, why = "ask", f"{why_not}: `setpoint repair approve {incident.id}`"
    if verb == "act" and not overlapping(deployment, repair):
        return Mend(incident=incident.id, repair=repair, why=repair.proof)
    if verb == "ask" and incident.status is not IncidentStatus.WAITING:
        return Ask(incident=incident.id, why=why)
    return None


def _next_for_handled(incident: Incident, deployment: Deployment, look: Look) -> Action | None:
    """Watch what a person took over: its causes, and whether it is over; a repair that is in place is theirs."""
    if incident.status is not IncidentStatus.OPEN:
        return None
    if _silent(incident, look):
        return Close(incident=incident.id, why=f"its alarms have fallen silent, {incident.handled_by} saw to it")
    return Investigate(incident=incident.id) if _worth_investigating(incident, deployment, look) else None


def _silent(incident: Incident, look: Look) -> bool:
    """Whether its alarms are over; those about quality are when the set point is held again."""
    off = [s for s in look.standings if s.at_set_point is False and is_quality(s.objective.metric)]
    if incident.subject == QUALITY and off:
        return False
    soon = incident.subject in (SERVICE, DISK) or incident.subject.startswith(CALLER)
    quiet = SERVICE_QUIET if soon else QUIET
    return bool(incident.findings) and look.now - max(f.until for f in incident.findings) >= quiet


def _worth_investigating(incident: Incident, deployment: Deployment, look: Look) -> bool:
    """Investigate once, again after a release, and again whenever the evidence has doubled."""
    if incident.status is IncidentStatus.WAITING or incident.approved_by:
        return False
    last = incident.investigated
    if last is None:
        return True
    if look.now <= last:
        return False  # nothing came since, also where this look is at an earlier time than the release
    return deployment.releases[-1].at > last or look.now - incident.since >= 2 * (last - incident.since)
