"""What becomes of a remedy that is in place: it is judged, held, taken back or lifted."""

from datetime import datetime, timedelta

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.mending import UNMENDED
from setpoint.loop.actions import Action, Close, Hold, Undo
from setpoint.loop.looks.look import Look
from setpoint.loop.looks.spans import otherwise_mended, touched
from setpoint.maintain.clean import clean_again, trusted_again
from setpoint.maintain.fallen import answers_again, answers_instead
from setpoint.maintain.fatal import keeps_up
from setpoint.maintain.recovery import DEADLINE, at_the_deadline, due, recovered
from setpoint.maintain.relief import calm_again, relieved
from setpoint.maintain.triage import is_data
from setpoint.maintain.trust import OUTCOMES, sound_again
from setpoint.maintain.well import well_again


def next_in_place(incident: Incident, deployment: Deployment, look: Look) -> Action | None:
    """Return what becomes of a remedy while its incident is being mended, or holds with it."""
    repair = incident.repair
    assert repair is not None
    if repair.fallback is not None and repair.map is None:
        return _next_for_fallen(incident, repair, deployment, look)
    if repair.workers:
        return _next_for_workers(incident, repair, deployment, look)
    if repair.throttle is not None:
        return _next_for_throttled(incident, repair, look)
    if repair.isolation is not None:
        return _next_for_isolated(incident, repair, deployment, look)
    if repair.map is not None and (lift := _lifted_if_well(incident, repair.map, deployment, look)):
        return lift
    if incident.status is not IncidentStatus.MENDING:
        return None
    if repair.remedy is Remedy.HOLD:
        return _trusted_again(incident, repair, deployment, look)
    return _judged(incident, repair, deployment, look)


def _judged(incident: Incident, repair: Repair, deployment: Deployment, look: Look) -> Action | None:
    """Compare the loss since the remedy with what was expected of it."""
    assert repair.applied is not None
    after = look.history.between(repair.applied, _next_since(incident, deployment))
    healthy = look.healthy(deployment, incident.since)
    verdict, loss, why = recovered(incident, after, healthy, look.champion.schema.task)
    if verdict is None and look.now >= due(repair):
        verdict, why = at_the_deadline(repair, look.history.between(incident.since, repair.applied), after, healthy)
    if verdict is None:
        return None
    if not verdict and repair.to_version is not None:  # on the same requests it was the better one
        stays = f"{why}; {repair.to_version} stays, for the harm has another cause"
        return Close(incident=incident.id, loss=loss, why=stays, helped=False)
    if not verdict:
        return Undo(incident=incident.id, why=why, helped=False)
    if repair.map is not None:
        return Hold(incident=incident.id, loss=loss, why=why)
    return Close(incident=incident.id, loss=loss, why=why)


def _next_for_fallen(incident: Incident, repair: Repair, deployment: Deployment, look: Look) -> Action | None:
    assert repair.fallback is not None
    if repair.fallback not in deployment.served.fallbacks:
        return Undo(incident=incident.id, why=f"{deployment.served.champion} is champion now", helped=True)
    if (again := look.again.get(incident.id)) is not None:
        well, why = answers_again(again, repair.fallback.instead_of)
        if well:
            return Undo(incident=incident.id, why=why, helped=True)
    if incident.status is IncidentStatus.HELD:
        return None
    asked = look.asked.get(incident.id)
    helps, why = answers_instead(repair, asked) if asked is not None else (None, "nobody asked")
    if helps is None:
        over = f"{DEADLINE.days} days after it was put in place nothing shows that it helps: {why}"
        return Undo(incident=incident.id, why=over, helped=False) if look.now >= due(repair) else None
    return (
        Hold(incident=incident.id, loss=None, why=why) if helps else Undo(incident=incident.id, why=why, helped=False)
    )


def _next_for_workers(incident: Incident, repair: Repair, deployment: Deployment, look: Look) -> Action | None:
    calm, why = calm_again(repair, look.reports, deployment.model, look.now)
    if calm:
        return Undo(incident=incident.id, why=why, helped=True)
    if incident.status is IncidentStatus.HELD:
        return None
    helped, why = relieved(repair, look.reports, deployment.model, look.now)
    if helped is None:
        return None
    return (
        Hold(incident=incident.id, loss=None, why=why) if helped else Undo(incident=incident.id, why=why, helped=False)
    )


def _next_for_throttled(incident: Incident, repair: Repair, look: Look) -> Action | None:
    assert repair.throttle is not None
    assert repair.applied is not None
    end = repair.applied + timedelta(seconds=repair.throttle.lasts_s)
    refused = f"{repair.stopped:,} requests were refused"
    if look.now >= end:
        why = f"its time is over at {end:%Y-%m-%d %H:%M}; {refused}; a burst that goes on is found again"
        return Undo(incident=incident.id, why=why, helped=True)
    if incident.status is IncidentStatus.HELD or look.now <= repair.applied:
        return None
    return Hold(
        incident=incident.id,
        loss=None,
        why=f"{repair.throttle.caller} is held at the door until {end:%H:%M}; {refused} so far",
    )


def _next_for_isolated(incident: Incident, repair: Repair, deployment: Deployment, look: Look) -> Action | None:
    if repair.isolation not in deployment.served.isolations:
        return Undo(incident=incident.id, why=f"{deployment.served.champion} is champion now", helped=True)
    if incident.status is IncidentStatus.HELD:
        return None
    helped, why = keeps_up(incident, repair, look.now)
    if helped is None:
        return None
    return (
        Hold(incident=incident.id, loss=None, why=why) if helped else Undo(incident=incident.id, why=why, helped=False)
    )


def _trusted_again(incident: Incident, repair: Repair, deployment: Deployment, look: Look) -> Action | None:
    if repair.subject == OUTCOMES:
        healthy = look.healthy(deployment, incident.since)
        since = look.history.between(incident.since, None)
        behind_s = look.delivered.behind_s if look.delivered else 0.0
        sound, why = sound_again(repair, healthy, since, look.champion.schema, look.now, behind_s)
    else:
        sound, why = trusted_again(incident, look.audits, look.now)
    if sound is None:
        return None
    return Close(incident=incident.id, why=why) if sound else Undo(incident=incident.id, why=why, helped=False)


def _next_since(incident: Incident, deployment: Deployment) -> datetime | None:
    """Return when the next fault began: rows from then on say nothing about this incident's repair."""
    later = [i.since for i in deployment.incidents if i.since > incident.opened and touched(i) is not None]
    return min(later, default=None)


def _lifted_if_well(incident: Incident, map_: FeatureMap, deployment: Deployment, look: Look) -> Action | None:
    """Return the end of a repair at the door whose column comes as it should again."""
    repair = incident.repair
    assert repair is not None
    if repair.fallback is not None and repair.fallback not in deployment.served.fallbacks:
        return Undo(incident=incident.id, why=f"{deployment.served.champion} is champion now", helped=True)
    if not len(look.recent):
        return None
    if repair.cause is Cause.SKEW:
        clean, why = clean_again(incident, look.audits)  # what differs still is mended still
        return Undo(incident=incident.id, why=why, helped=True) if clean else None
    healthy = look.healthy(deployment, incident.since)
    since = otherwise_mended(look.history.between(repair.applied, None), deployment, map_)
    others = (i for i in deployment.incidents if i.id != incident.id and i.status in UNMENDED)
    alone = not any(is_data(i) for i in others)
    well, why = well_again(map_, since, healthy, look.champion.schema, alone=alone)
    return Undo(incident=incident.id, why=why, helped=True) if well else None
