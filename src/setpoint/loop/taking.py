"""Take a repair back: when its column is well again, when it did not help, or when a person says so."""

from datetime import datetime, timedelta

from setpoint.domain import mending
from setpoint.domain.envelope import LOOP
from setpoint.domain.event import What
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, Remedy, Repair, Tried
from setpoint.domain.value import replace
from setpoint.errors import Conflict
from setpoint.loop.changes import cause_of, decided, find_incident, having_incident, settle, with_incident
from setpoint.loop.placing import displaced
from setpoint.loop.ports import Ports
from setpoint.loop.verbs.personal import check_words
from setpoint.maintain.triage import QUALITY

REMEMBERED = timedelta(days=90)  # for so long a person who took a repair back is asked before another one acts
FLAPPING, WITHIN = 2, timedelta(days=7)  # the same repair so often within that time: a person is asked before the next


def taken_back(
    deployment: Deployment, id_: str, now: datetime, why: str, *, helped: bool, by: str = LOOP
) -> Deployment:
    """Return the deployment without the repair of an incident, which is over if the repair helped, and else open.

    One that did not help is explained anew, knowing that; a person who took it back is left in peace until there is
    twice the evidence.
    """
    incident = find_incident(deployment, id_)
    repair = incident.repair
    assert repair is not None
    deployment, more = displaced(deployment, repair, now, by)
    if helped:
        changed = mending.lifted(incident, now)
    else:
        again = by == LOOP and repair.remedy is not Remedy.HOLD  # a feed that stays broken is explained already
        changed = replace(mending.given_up(incident, now, why, by), investigated=None if again else now)
    verb, what = ("lift", What.LIFTED) if helped else ("undo", What.UNDONE)
    deployment = with_incident(deployment, changed, now, f"{verb} {repair.remedy}: {why}{more}", what=what, by=by)
    return decided(deployment, now, *cause_of(changed), verb, why + more, by)


def objection(incident: Incident, deployment: Deployment, now: datetime) -> str:
    """Return why a person is asked before a repair acts that the envelope allows; empty if nothing speaks against it.

    Somebody took a repair of the same columns back, and nobody has allowed one since; or the same repair was put in
    place twice within a week already, so that it would come and go for ever.
    """
    repair = incident.repair
    assert repair is not None
    if person := taken_by(incident, deployment, now):
        return f"{person} took such a repair back"
    lately = [r for r in _all(deployment) if r.key == repair.key and r.applied and now - r.applied < WITHIN]
    if repair.changes_answers and len(lately) >= FLAPPING:
        return f"{repair.remedy} of {repair.subject} came and went {len(lately)} times in {WITHIN.days} days"
    return ""


def taken_by(incident: Incident, deployment: Deployment, now: datetime) -> str:
    """Return who took a repair of the same columns back within 90 days, if no person has allowed one since."""
    about = _about(incident, incident.repair)
    taken = [
        t
        for i in deployment.incidents
        for t in i.tried
        if t.by != LOOP and now - t.at < REMEMBERED and about & _about(i, t.repair)
    ]
    last = max(taken, key=lambda t: t.at, default=None)
    return "" if last is None or _allowed(deployment, about, last) else last.by


def is_persons(deployment: Deployment) -> bool:
    """Whether a person took over what a training would answer, or does not want one."""
    live = [i for i in deployment.incidents if i.live]
    taken = [i for i in live if i.handled_by and (i.subject == QUALITY or (i.repair and i.repair.remedy.is_advice))]
    refused = [i for i in live if i.refusal and i.refusal.remedy in (Remedy.RETRAIN, Remedy.RECALIBRATE)]
    return bool(taken or refused)


def _allowed(deployment: Deployment, about: set[str], last: Tried) -> bool:
    """Whether a person had a repair of the same columns put in place since one was taken back."""
    return any(
        i.repair is not None
        and i.repair.applied is not None
        and i.repair.applied > last.at
        and i.acted_by != LOOP
        and about & _about(i, i.repair)
        for i in deployment.incidents
    )


def _all(deployment: Deployment) -> list[Repair]:
    """Return all repairs that were ever put in place."""
    given_up = [t.repair for i in deployment.incidents for t in i.tried]
    last = [i.repair for i in deployment.incidents if i.repair is not None and i.repair.applied is not None]
    return [*given_up, *(r for r in last if not r.refuted)]


def _about(incident: Incident, repair: Repair | None) -> set[str]:
    if repair is not None and repair.isolation is not None:
        return set(repair.isolation.rows)
    return {incident.subject, *(repair.map.changes if repair and repair.map else ())}


def take_back(ports: Ports, id_: str, now: datetime, *, by: str, why: str = "") -> Deployment:
    """Take the repair of an incident back by a person's word; from then on a person is asked before another one acts.

    Raises
    ------
    NotFound
        If there is no such incident.
    Conflict
        If no repair of it is in place that can be taken back, or another person took it over.
    """
    check_words(by, why)
    with ports.state.lease():
        before = having_incident(ports, id_)
        incident = find_incident(before, id_)
        repair = incident.repair
        if repair is None or not repair.undoable or not repair.in_force or not incident.live:
            raise Conflict(f"no repair of {id_} is in place: it is {incident.status}")
        if incident.handled_by not in ("", by):
            raise Conflict(
                f"{id_} is taken over by {incident.handled_by}: ask them, or `setpoint repair give-back {id_}` first"
            )
        told = f"taken back by {by}" + (f": {why}" if why else "")
        return settle(ports, before, taken_back(before, id_, now, told, helped=False, by=by))
