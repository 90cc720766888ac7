"""An incident as it was known at a time, whatever came after it."""

from datetime import datetime

from setpoint.domain.event import Event, What
from setpoint.domain.incident import Incident, IncidentStatus, Repair
from setpoint.domain.value import replace

UNDECIDED = (What.OPENED, What.ASKED, What.REFUSED, What.TAKEN, What.UNDONE)


def as_known(incident: Incident, when: datetime) -> Incident:
    """Return an incident without what happened later; its causes stay those that were found at last."""
    if incident.closed is not None and incident.closed <= when:
        return incident
    timeline = tuple(e for e in incident.timeline if e.at <= when)
    tried = tuple(t for t in incident.tried if t.at <= when)
    repair = _repair(incident, when)
    later = not incident.live or (timeline, tried, repair) != (incident.timeline, incident.tried, incident.repair)
    findings = tuple(f for f in incident.findings if f.until <= when)
    return replace(
        incident,
        status=_status(timeline, repair) if later else incident.status,
        closed=None,
        findings=findings or incident.findings[:1],
        repair=repair,
        tried=tried,
        rankings=tuple(r for r in incident.rankings if r.at <= when),
        timeline=timeline,
    )


def _status(timeline: tuple[Event, ...], repair: Repair | None) -> IncidentStatus:
    """Return where an incident that is not over stood."""
    if repair is not None and repair.in_force:
        return IncidentStatus.MENDING if repair.recovered is None else IncidentStatus.HELD
    last = [e.what for e in timeline if e.what in UNDECIDED][-1:]
    return IncidentStatus.WAITING if last == [What.ASKED] else IncidentStatus.OPEN


def _repair(incident: Incident, when: datetime) -> Repair | None:
    """Return the repair that was the last one put in place by then, as it was; one that came later is none yet."""
    last = incident.repair
    known = [t.repair for t in incident.tried] + ([last] if last is not None else [])
    placed = [r for r in known if r.applied is not None and r.applied <= when]
    if not placed:
        return last if last is not None and last.applied is None else None
    repair = placed[-1]
    lifted = repair.lifted if repair.lifted is not None and repair.lifted <= when else None
    recovered = repair.recovered if repair.recovered is not None and repair.recovered <= when else None
    return replace(
        repair,
        lifted=lifted,
        refuted=repair.refuted and lifted is not None,
        recovered=recovered,
        loss_realised=repair.loss_realised if recovered or lifted else None,
    )
