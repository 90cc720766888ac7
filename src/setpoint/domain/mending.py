"""The moves of an incident that is mended. Pure: what is not allowed raises, so that no caller can do it.

    open, waiting ── put in place ──> mending ── proven ──> held, closed      mending, held ── bettered ──> mending
                                        │ given up             │ given up
          open <────────────────────────┴──────────────────────┘

Each repair that is given up is remembered, none of them is put in place again, and no more than `MOST` are: so an
incident ends with a repair that helped, or with none, after at most so many.
"""

from datetime import datetime

from setpoint.domain.envelope import LOOP
from setpoint.domain.incident import Incident, IncidentStatus, Repair, Tried
from setpoint.domain.value import replace
from setpoint.errors import Conflict

MOST = 3  # repairs that are put in place for one incident
UNMENDED = (IncidentStatus.OPEN, IncidentStatus.WAITING)
MENDED = (IncidentStatus.MENDING, IncidentStatus.HELD)


def barred(incident: Incident, repair: Repair) -> str:
    """Return why a repair may not be put in place for an incident, in words; empty if it may."""
    if incident.status not in UNMENDED:
        return f"it is {incident.status}"
    if repair.lifted is not None or any(t.repair.key == repair.key for t in incident.tried):
        return f"{repair.remedy} of {repair.subject} was tried for it and taken back"
    if len(incident.tried) >= MOST:
        return f"{MOST} remedies were tried for it and taken back"
    return ""


def put_in_place(incident: Incident, repair: Repair, at: datetime, by: str) -> Incident:
    """Return the incident under a repair.

    Raises
    ------
    Conflict
        If another one is in place, this one was tried before, or too many were.
    """
    if why := barred(incident, repair):
        raise Conflict(f"{repair.id} cannot be put in place for {incident.id}: {why}")
    status = IncidentStatus.MENDING
    put = replace(repair, applied=at, lifted=None)
    return replace(incident, status=status, repair=put, better=None, acted_by=by)


def bettered(incident: Incident, repair: Repair, at: datetime, by: str) -> Incident:
    """Return the incident under a repair that takes the place of the one in force, which counts as tried.

    Raises
    ------
    Conflict
        If none is in place, this one was tried before, or too many were.
    """
    old = replace(_in_force(incident, *MENDED), lifted=at)
    why = f"{repair.remedy} of {repair.subject} takes its place"
    tried = (*incident.tried, Tried(repair=old, at=at, by=by, why=why))
    before = replace(incident, status=IncidentStatus.OPEN, tried=tried, better=None)
    return put_in_place(before, repair, at, by)


def proven(incident: Incident, at: datetime, loss: float | None = None) -> Incident:
    """Return the incident with a repair that was proven to help: held while it stays, over where nothing stays."""
    repair = _in_force(incident, IncidentStatus.MENDING)
    stays = repair.stays
    return replace(
        incident,
        status=IncidentStatus.HELD if stays else IncidentStatus.CLOSED,
        repair=replace(repair, recovered=at, loss_realised=loss if loss is not None else repair.loss_realised),
        closed=None if stays else at,
    )


def kept(incident: Incident, at: datetime, loss: float | None = None) -> Incident:
    """Return the incident at its end with a version that stays, though the harm did not go with the one it replaced.

    Raises
    ------
    Conflict
        If what is in place is no other version: what did not help is given up.
    """
    repair = _in_force(incident, IncidentStatus.MENDING)
    if repair.to_version is None:
        raise Conflict(f"{repair.id} did not help: it is given up, not kept")
    return replace(incident, status=IncidentStatus.CLOSED, closed=at, repair=replace(repair, loss_realised=loss))


def lifted(incident: Incident, at: datetime) -> Incident:
    """Return the incident without its repair, which is not needed any more: it is over."""
    repair = _in_force(incident, *MENDED)
    return replace(incident, status=IncidentStatus.CLOSED, closed=at, repair=replace(repair, lifted=at))


def given_up(incident: Incident, at: datetime, why: str, by: str = LOOP) -> Incident:
    """Return the incident without its repair, which did not help or which a person took back: open again."""
    repair = replace(_in_force(incident, *MENDED), lifted=at, refuted=True)
    return replace(
        incident,
        status=IncidentStatus.OPEN,
        repair=repair,
        tried=(*incident.tried, Tried(repair=repair, at=at, by=by, why=why)),
        approved_by="",
        taken_by="" if by == LOOP else by,
    )


def over(incident: Incident, at: datetime) -> Incident:
    """Return the incident at its end, without a repair.

    Raises
    ------
    Conflict
        If one is in place: that is proven or taken back first.
    """
    if incident.status not in UNMENDED:
        raise Conflict(f"{incident.id} cannot be closed: it is {incident.status}")
    return replace(incident, status=IncidentStatus.CLOSED, closed=at)


def _in_force(incident: Incident, *statuses: IncidentStatus) -> Repair:
    repair = incident.repair
    if incident.status not in statuses or repair is None or not repair.in_force:
        raise Conflict(f"no repair of {incident.id} is in place: it is {incident.status}")
    return repair
