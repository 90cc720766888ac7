"""Decide. Reads no clock, disk or network: the same deployment and the same look give the same next action."""

from datetime import datetime, timedelta

from setpoint.config import is_quality
from setpoint.domain.bounds import Breach, breaches
from setpoint.domain.canary import Turn, next_turn
from setpoint.domain.envelope import LOOP, Change, Kind
from setpoint.domain.fleet import Deployment
from setpoint.domain.freeze import frozen
from setpoint.domain.incident import Cause, Incident, IncidentStatus, Remedy, Repair
from setpoint.domain.live import written
from setpoint.domain.mending import UNMENDED, barred
from setpoint.domain.rollout import Decision, Moving, Phase, Rollout
from setpoint.loop.actions import (
    Action,
    Ask,
    AskToPromote,
    Begin,
    Close,
    Fit,
    Gate,
    GateAgain,
    Hold,
    Investigate,
    Mend,
    Offer,
    Promote,
    Receipt,
    Reject,
    Restore,
    Shadow,
    Step,
    Submit,
    Undo,
)
from setpoint.loop.advising import advice_of, plan_of
from setpoint.loop.bettering import next_better
from setpoint.loop.changes import find_rollout
from setpoint.loop.gating import new_outcomes, waits
from setpoint.loop.history import changes_of, next_step, promotion, training
from setpoint.loop.look import Look
from setpoint.loop.placing import overlapping
from setpoint.loop.spans import otherwise_mended, touched
from setpoint.loop.taking import is_persons, objection
from setpoint.maintain.clean import clean_again, trusted_again
from setpoint.maintain.decide import decide
from setpoint.maintain.fallen import answers_again, answers_instead
from setpoint.maintain.fatal import keeps_up
from setpoint.maintain.hypotheses.attack import CALLER
from setpoint.maintain.recovery import DEADLINE, at_the_deadline, due, recovered
from setpoint.maintain.relief import calm_again, relieved
from setpoint.maintain.triage import DISK, QUALITY, SERVICE, is_data
from setpoint.maintain.trust import OUTCOMES, sound_again
from setpoint.maintain.well import well_again
from setpoint.update.advice import Move

QUIET = timedelta(days=2)  # an incident whose alarms are silent for so long, and for two looks, is over
SERVICE_QUIET = timedelta(hours=1)  # failures that are over are over: their windows say so
RECEIPT_ROWS = 168
GATE_PATIENCE = timedelta(days=56)  # what `Look.history` reaches back at least


def plan(deployment: Deployment, look: Look) -> Action | None:
    """Return the next thing to do, or None when there is nothing left."""
    for incident in deployment.incidents:
        if incident.live and (action := _next_for(incident, deployment, look)):
            return action
    return _next_rollout(deployment, look) or _next_training(deployment, look) or _next_receipt(deployment, look)


def _next_for(incident: Incident, deployment: Deployment, look: Look) -> Action | None:
    if incident.handled_by:
        return _next_for_handled(incident, deployment, look)
    match incident.status:
        case IncidentStatus.OPEN | IncidentStatus.WAITING:
            action = _next_for_open(incident, deployment, look)
        case IncidentStatus.MENDING:
            action = _next_for_mending(incident, deployment, look)
        case _:
            action = _lifted_if_well(incident, deployment, look)
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
    if last is None or deployment.releases[-1].at > last:
        return True
    return look.now - incident.since >= 2 * (last - incident.since) and look.now > last


def _next_for_mending(incident: Incident, deployment: Deployment, look: Look) -> Action | None:
    repair = incident.repair
    assert repair is not None
    assert repair.applied is not None
    if repair.map is not None and (lift := _lifted_if_well(incident, deployment, look)):
        return lift
    if repair.fallback is not None and repair.map is None:
        return _next_for_fallen(incident, repair, deployment, look)
    if repair.workers:
        return _next_for_workers(incident, repair, deployment, look)
    if repair.throttle is not None:
        return _next_for_throttled(incident, repair, look)
    if repair.isolation is not None:
        return _next_for_isolated(incident, repair, deployment, look)
    if repair.remedy is Remedy.HOLD:
        return _trusted_again(incident, repair, deployment, look)
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


def _lifted_if_well(incident: Incident, deployment: Deployment, look: Look) -> Action | None:
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
    assert repair.map is not None
    if repair.fallback is not None and repair.fallback not in deployment.served.fallbacks:
        return Undo(incident=incident.id, why=f"{deployment.served.champion} is champion now", helped=True)
    if not len(look.recent):
        return None
    if repair.cause is Cause.SKEW:
        clean, why = clean_again(incident, look.audits)  # what differs still is mended still
        return Undo(incident=incident.id, why=why, helped=True) if clean else None
    healthy = look.healthy(deployment, incident.since)
    since = otherwise_mended(look.history.between(repair.applied, None), deployment, repair.map)
    others = (i for i in deployment.incidents if i.id != incident.id and i.status in UNMENDED)
    alone = not any(is_data(i) for i in others)
    well, why = well_again(repair.map, since, healthy, look.champion.schema, alone=alone)
    return Undo(incident=incident.id, why=why, helped=True) if well else None


def _next_training(deployment: Deployment, look: Look) -> Action | None:
    if deployment.training is not None and deployment.training.without is not None:
        if not deployment.training.submitted:
            return Submit()
        return Offer() if look.fit is not None and look.fit.id == deployment.training.job else None
    if deployment.distrusts is not None:
        return None
    if deployment.training is None and is_persons(deployment):
        return None
    if deployment.training is not None:
        if not deployment.training.submitted:
            return Submit()
        ready = look.fit is not None and look.fit.id == deployment.training.job and not look.unreadable
        if not ready:
            return None
        if not deployment.training.repeats:
            return Gate() if not any(r.running for r in deployment.rollouts) else None
        return Shadow() if not frozen(deployment.rolling.freezes, look.now) else None
    if deployment.served.champion != look.champion.version:
        return None  # another look is needed at what was restored
    if any(r.running for r in deployment.rollouts):
        return None  # what the last one brought is yet to be seen
    advice = advice_of(deployment, look)
    if advice.move is Move.RESTORE:
        back = Change(at=look.now, kind=Kind.ROLLBACK, subject=advice.version)
        return None if _outside(back, deployment) else Restore(version=advice.version, why=advice.why)
    by = _approved(deployment, Remedy.RETRAIN)
    if not by and not deployment.envelope.is_automatic(Kind.RETRAIN):
        return _ask_to_retrain(deployment, _outside(Change(at=look.now, kind=Kind.RETRAIN, subject=""), deployment))
    plan_ = plan_of(advice, deployment, look)
    if plan_ is None:
        return None
    if not by and (found := _outside(training(plan_, deployment, look.champion, look.now), deployment)):
        return _ask_to_retrain(deployment, found)
    return Fit(job=f"{deployment.model}-{look.now:%Y%m%dT%H%M%S}", plan=plan_, by=by or LOOP)


def _outside(change: Change, deployment: Deployment) -> tuple[Breach, ...]:
    return breaches(deployment.envelope, change, changes_of(deployment.decisions))


def _approved(deployment: Deployment, remedy: Remedy) -> str:
    return next(
        (
            i.approved_by
            for i in deployment.incidents
            if i.live and i.approved_by and i.repair and i.repair.remedy is remedy
        ),
        "",
    )


def _ask_to_retrain(deployment: Deployment, found: tuple[Breach, ...]) -> Action | None:
    """Ask once, where waiting would not help."""
    lasting = [b.words for b in found if not b.passing]
    for incident in deployment.incidents if lasting else ():
        wants = incident.repair is not None and incident.repair.remedy is Remedy.RETRAIN
        if wants and incident.status is IncidentStatus.OPEN:
            return Ask(incident=incident.id, why=f"{lasting[0]}: `setpoint repair approve {incident.id}`")
    return None


def _next_rollout(deployment: Deployment, look: Look) -> Action | None:
    rollout = next((r for r in deployment.rollouts if r.running), None)
    if rollout is None:
        return None
    if rollout.candidate.champion != deployment.served.champion:
        return Reject(version=rollout.candidate.version, why=f"{rollout.candidate.champion} is no longer champion")
    if rollout.moving is not None:
        return _on_course(rollout, rollout.moving, deployment, look)
    if deployment.distrusts is not None:
        return None
    if rollout.phase is Phase.GATE:
        return _at_the_gate(rollout, deployment, look)
    if rollout.phase is not Phase.PROVEN and rollout.phase is not Phase.SHADOW:
        return None
    if rollout.shadow is not None and rollout.shadow.decision is Decision.REJECT:
        return Reject(version=rollout.candidate.version, why="; ".join(rollout.shadow.checks))
    if frozen(deployment.rolling.freezes, look.now):
        return None
    if rollout.phase is Phase.PROVEN and rollout.candidate.gate is not None:
        if deployment.rolling.steps:
            return Begin(version=rollout.candidate.version)
        return _promotion(rollout, deployment, look, "; ".join(rollout.candidate.gate.checks))
    if rollout.shadow is not None and rollout.shadow.decision is Decision.ACCEPT:
        return _promotion(rollout, deployment, look, "; ".join(rollout.shadow.checks))
    return None


def _on_course(rollout: Rollout, moving: Moving, deployment: Deployment, look: Look) -> Action | None:
    """Return what a rollout by steps does next."""
    version, automatic = rollout.candidate.version, deployment.envelope.is_automatic(Kind.PROMOTE)
    next_ = next_turn(rollout, look.now, held=hindrance(deployment, version, look.now), automatic=automatic)
    match next_.turn:
        case Turn.BACK:
            return Reject(version=version, why=next_.why)
        case Turn.STEP:
            step = next_step(rollout, deployment, look.now)
            found = (
                _outside(step, deployment) if step.is_automatic else ()
            )  # a person's course, or one that is approved
            return _asked(rollout, deployment, next_.why, found) if found else Step(version=version, why=next_.why)
        case Turn.ASK:
            return _ask_on_course(rollout, deployment, next_.why)
        case Turn.PROMOTE:
            by = moving.fast_by or rollout.approved_by or LOOP
            found = _outside(promotion(rollout, deployment, look.now), deployment) if by == LOOP else ()
            if found:
                return _asked(rollout, deployment, next_.why, found)
            return Promote(version=version, why=next_.why, by=by)
        case _:
            return None


def _asked(rollout: Rollout, deployment: Deployment, why: str, found: tuple[Breach, ...]) -> Action | None:
    """Ask once for what the envelope does not have, or wait where that helps."""
    lasting = [b.words for b in found if not b.passing]
    asked = rollout.moving is not None and rollout.moving.asked
    return _ask_on_course(rollout, deployment, f"{why}; {lasting[0]}") if lasting and not asked else None


def _ask_on_course(rollout: Rollout, deployment: Deployment, why: str) -> Action:
    words = f"{why}; to let it: `setpoint rollout approve {deployment.model}`"
    return AskToPromote(version=rollout.candidate.version, why=words)


def hindrance(deployment: Deployment, version: str, now: datetime) -> str:
    """Return what keeps traffic from moving to a version now, in words; an empty text if nothing does."""
    others = {v: share for v, share in deployment.served.shares.items() if v != version}
    by_hand = f"{written(others)} of the requests by a person's word" if others else ""
    doubt = deployment.distrusts
    untrue = f"what is recorded cannot be trusted ({doubt.id})" if doubt else ""
    return frozen(deployment.rolling.freezes, now) or untrue or by_hand


def _at_the_gate(rollout: Rollout, deployment: Deployment, look: Look) -> Action | None:
    """Look again when the outcomes that the gate asked for are there; do not wait for ever."""
    version, needs = rollout.candidate.version, waits(rollout)
    if new_outcomes(rollout, look.history, deployment) >= needs and not look.unreadable:
        return GateAgain(version=version)
    if look.now - rollout.candidate.created >= GATE_PATIENCE:
        why = f"at the gate: the {needs} outcomes it waited for did not come in {GATE_PATIENCE.days} days"
        return Reject(version=version, why=why)
    return None


def _promotion(rollout: Rollout, deployment: Deployment, look: Look, words: str) -> Action | None:
    if rollout.approved_by:
        return Promote(version=rollout.candidate.version, why=words, by=rollout.approved_by)
    version, found = rollout.candidate.version, _outside(promotion(rollout, deployment, look.now), deployment)
    if not found:
        return Promote(version=version, why=words)
    lasting = [b.words for b in found if not b.passing]
    if not lasting or any(d.action == "ask" and d.subject == version for d in deployment.decisions):
        return None
    return AskToPromote(
        version=version, why=f"{words}; {lasting[0]}; to promote it: `setpoint repair approve {version}`"
    )


def _next_receipt(deployment: Deployment, look: Look) -> Action | None:
    for rollout in deployment.rollouts:
        of_before = rollout is not find_rollout(deployment, rollout.candidate.version)  # it was begun again since
        if rollout.ended is None or rollout.receipt is not None or of_before:
            continue
        if len(look.history.between(rollout.ended, None).labelled) >= RECEIPT_ROWS:
            return Receipt(version=rollout.candidate.version)
    return None
