"""What an investigation finds, written down; and incidents of their own for columns that broke beside the first."""

from collections.abc import Callable

from setpoint.domain.event import What
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.value import replace
from setpoint.loop.changes import cause_of, decided, with_incident
from setpoint.maintain.beside import also_broken, parted, under
from setpoint.maintain.case import Case
from setpoint.maintain.stand_in import lost_column
from setpoint.maintain.triage import opened


def located(deployment: Deployment, before: Incident, incident: Incident) -> Deployment:
    """Store an incident, and write its likeliest cause down where it is another one than before."""
    at, cause = incident.investigated, incident.causes[0]
    if at is None or (before.causes and cause_of(before) == cause_of(incident)):
        return with_incident(deployment, incident)
    why = "; ".join(cause.evidence) or "none of the known causes explains it"
    told = f"most likely {cause.cause} of {cause.subject} (weight {cause.weight:.2f}): {why}"
    deployment = with_incident(deployment, incident, at, told, what=What.LOCATED)
    return decided(deployment, at, cause.cause, cause.subject, "locate", why)


def with_others(
    deployment: Deployment, incident: Incident, case: Case, think: Callable[[Incident, Case], Incident]
) -> Deployment:
    """Open an incident of its own for each column that is broken beside the one that a repair was found for.

    Each is investigated as if the repairs before it were in place: a broken column makes others look broken.
    """
    while (broken := also_broken(incident)) is not None and incident.repair and incident.repair.map:
        if any(i.live and i.subject == broken.subject for i in deployment.incidents if i.id != incident.id):
            break
        case = under(case, incident.repair.map)
        rest, findings = parted(incident, broken.subject.split(", "))
        other = opened(findings, broken.subject, case.now, incident.model, deployment.incidents)
        found = think(other, case)
        if lost_column(found) is None and (found.repair is None or found.repair.map is None):
            break  # nothing can be done about it
        deployment = with_incident(deployment, rest)
        deployment = replace(deployment, incidents=(*deployment.incidents, other))
        deployment = decided(deployment, case.now, Cause.UNKNOWN, other.subject, "open", other.timeline[0].said)
        deployment, incident = located(deployment, other, found), found
    return deployment
