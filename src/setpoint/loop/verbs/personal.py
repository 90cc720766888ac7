"""What a person may say of an incident or a candidate: not this remedy, leave it to me, it is yours again."""

from collections.abc import Callable
from datetime import datetime

from setpoint.domain.envelope import LOOP
from setpoint.domain.event import What
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, IncidentStatus, Refusal
from setpoint.domain.rollout import Rollout
from setpoint.domain.value import replace
from setpoint.errors import Conflict, InvalidInput
from setpoint.loop.adopting import adopt
from setpoint.loop.changes import cause_of, decided, find_incident, having_incident, settle, with_incident
from setpoint.loop.moves import stopped
from setpoint.loop.ports import Ports

LONGEST_WHY = 500  # characters
LONGEST_NAME = 100
UNDECIDED = (IncidentStatus.OPEN, IncidentStatus.WAITING)

Said = Callable[..., Deployment]


def refuse(ports: Ports, id_: str, now: datetime, *, by: str, why: str = "", model: str | None = None) -> Deployment:
    """Refuse the remedy that an incident proposes, or end a candidate, by its version.

    The remedy is not proposed again, and not applied, until a person approves it; another one still may be.

    Raises
    ------
    NotFound
        If there is no such incident, and no such candidate on its way.
    Conflict
        If nothing is proposed, or it was refused already.
    """
    check_words(by, why)
    with ports.state.lease():
        candidate = _candidate(ports, id_, model)
        if candidate is None:
            return _said(ports, refused, id_, now, by, why)
        before, rollout = candidate
        after = stopped(before, rollout, now, by)
        last = after.decisions[-1]
        told = replace(last, why="; ".join(filter(None, (last.why, why))))
        return settle(ports, before, replace(after, decisions=(*after.decisions[:-1], told)))


def take(ports: Ports, id_: str, now: datetime, *, by: str, why: str = "") -> Deployment:
    """Take an incident over: the loop watches it, and does nothing about it, until it is given back or approved.

    A repair that is in place stays in place.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If it is over, or somebody has taken it over already.
    """
    check_words(by, why)
    with ports.state.lease():
        return _said(ports, taken_over, id_, now, by, why)


def give_back(ports: Ports, id_: str, now: datetime, *, by: str, why: str = "") -> Deployment:
    """Give an incident back to the loop.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If nobody has taken it over.
    """
    check_words(by, why)
    with ports.state.lease():
        return _said(ports, given_back, id_, now, by, why)


def refused(deployment: Deployment, id_: str, now: datetime, by: str, why: str = "") -> Deployment:
    """Return the deployment with the proposed remedy of an incident refused."""
    incident = find_incident(deployment, id_)
    repair = incident.repair
    if repair is None or incident.status not in UNDECIDED or repair.lifted is not None:
        raise Conflict(f"{id_} proposes nothing that could be refused: it is {incident.status}")
    if incident.refusal is not None:
        raise Conflict(f"{repair.remedy} of {repair.subject} was refused by {incident.refusal.by} already")
    refusal = Refusal(remedy=repair.remedy, subject=repair.subject, by=by, at=now, why=why)
    changed = replace(incident, status=IncidentStatus.OPEN, refused=(*incident.refused, refusal), approved_by="")
    return _written(deployment, changed, now, What.REFUSED, "refuse", by, why, f"{repair.remedy} refused by {by}")


def taken_over(deployment: Deployment, id_: str, now: datetime, by: str, why: str = "") -> Deployment:
    """Return the deployment with an incident in a person's hands."""
    incident = find_incident(deployment, id_)
    if not incident.live:
        raise Conflict(f"{id_} is over since {incident.closed:%Y-%m-%d %H:%M} UTC")
    if incident.handled_by:
        raise Conflict(f"{id_} is taken over by {incident.handled_by} already")
    status = IncidentStatus.OPEN if incident.status is IncidentStatus.WAITING else incident.status
    known = incident.acknowledged_by or by
    changed = replace(incident, status=status, handled_by=by, acknowledged_by=known, approved_by="")
    return _written(deployment, changed, now, What.TAKEN, "take over", by, why, f"taken over by {by}")


def given_back(deployment: Deployment, id_: str, now: datetime, by: str, why: str = "") -> Deployment:
    """Return the deployment with an incident in the loop's hands again."""
    incident = find_incident(deployment, id_)
    if not incident.handled_by:
        raise Conflict(f"nobody has taken {id_} over: it is {incident.status}")
    changed = replace(incident, handled_by="")
    return _written(deployment, changed, now, What.GIVEN_BACK, "give back", by, why, f"given back by {by}")


def check_words(by: str, why: str = "") -> None:
    """Refuse names and reasons that no record should hold.

    Raises
    ------
    InvalidInput
        If the name is empty or the loop's own, or one of them is too long or holds what is not printable.
    """
    if not by.strip() or len(by) > LONGEST_NAME or not by.isprintable() or by == LOOP:
        raise InvalidInput(f"{by[:LONGEST_NAME]!r} is no person's name: 1 to {LONGEST_NAME} printable characters")
    if len(why) > LONGEST_WHY or not why.isprintable():
        raise InvalidInput(f"a reason is one line of at most {LONGEST_WHY} printable characters")


def _said(ports: Ports, say: Said, id_: str, now: datetime, by: str, why: str) -> Deployment:
    after = say(having_incident(ports, id_), id_, now, by, why)
    ports.state.save(after)
    return after


def _written(
    deployment: Deployment, incident: Incident, now: datetime, what: What, verb: str, by: str, why: str, said: str
) -> Deployment:
    told = f"{said}: {why}" if why else said
    deployment = with_incident(deployment, incident, now, told, what=what, by=by)
    return decided(deployment, now, *cause_of(incident), verb, why or said, by)


def _candidate(ports: Ports, version: str, model: str | None) -> tuple[Deployment, Rollout] | None:
    """Return the candidate of a name that is on its way; of several models, the one that is named."""
    models = [model] if model else ports.state.models()
    found = [
        (d, r)
        for d in (adopt(ports, ports.state.load(m)) for m in models)
        for r in d.rollouts
        if r.running and r.candidate.version == version
    ]
    if len(found) > 1:
        raise Conflict(f"{version} is a candidate of {', '.join(d.model for d, _ in found)}; say which with --model")
    return found[0] if found else None
