"""A deployment as it was: what an overview of a period that is over shows."""

from datetime import datetime

from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, IncidentStatus, Repair
from setpoint.domain.ledger import Ledger
from setpoint.domain.live import Served
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput


def as_of(deployment: Deployment, when: datetime) -> Deployment:
    """Return a deployment with the champion and the incidents of a time; what was not known by then is left out.

    Raises
    ------
    InvalidInput
        If the model was deployed later.
    """
    if deployment.looked is None or when >= deployment.looked:
        return deployment
    releases = tuple(r for r in deployment.releases if r.at <= when)
    if not releases:
        first = deployment.releases[0].at
        raise InvalidInput(
            f"{deployment.model} was first deployed at {first:%Y-%m-%d %H:%M}, after {when:%Y-%m-%d %H:%M}"
        )
    return replace(
        deployment,
        served=Served(champion=releases[-1].version),
        releases=releases,
        incidents=tuple(_incident(i, when) for i in deployment.incidents if i.opened <= when),
        rollouts=(),
        ledger=Ledger(entries=tuple(e for e in deployment.ledger.entries if e.until <= when)),
        study=deployment.study if deployment.study and deployment.study.at <= when else None,
        looked=when,
    )


def _incident(incident: Incident, when: datetime) -> Incident:
    if incident.closed is not None and incident.closed <= when:
        return incident
    repair = _repair(incident.repair, when) if incident.repair else None
    mending = repair is not None and repair.applied is not None
    live = incident.status if incident.live else IncidentStatus.MENDING if mending else IncidentStatus.OPEN
    findings = tuple(f for f in incident.findings if f.until <= when)
    return replace(incident, closed=None, status=live, repair=repair, findings=findings or incident.findings[:1])


def _repair(repair: Repair, when: datetime) -> Repair | None:
    """Return a repair as it was; one that came later is none yet."""
    if repair.applied is not None and repair.applied > when:
        return None
    later = repair.lifted is not None and repair.lifted > when
    return replace(repair, lifted=None) if later else repair
