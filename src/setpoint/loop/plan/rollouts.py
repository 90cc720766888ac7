"""How a candidate goes on: at the gate, in the shadow, by steps, to the promotion."""

from datetime import datetime, timedelta

from setpoint.domain.bounds import Breach
from setpoint.domain.canary import Turn, next_turn
from setpoint.domain.envelope import LOOP, Kind
from setpoint.domain.fleet import Deployment
from setpoint.domain.freeze import frozen
from setpoint.domain.live import written
from setpoint.domain.rollout import Decision, Moving, Phase, Rollout
from setpoint.loop.actions import Action, AskToPromote, Begin, GateAgain, Promote, Reject, Step
from setpoint.loop.history import next_step, outside, promotion
from setpoint.loop.learning.gating import new_outcomes, waits
from setpoint.loop.looks.look import Look

GATE_PATIENCE = timedelta(days=56)  # what `Look.history` reaches back at least


def next_rollout(deployment: Deployment, look: Look) -> Action | None:
    """Return what is done next with the candidate that is on its way."""
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
            found = outside(step, deployment) if step.is_automatic else ()  # a person's course, or one that is approved
            return _asked(rollout, deployment, next_.why, found) if found else Step(version=version, why=next_.why)
        case Turn.ASK:
            return _ask_on_course(rollout, deployment, next_.why)
        case Turn.PROMOTE:
            by = moving.fast_by or rollout.approved_by or LOOP
            found = outside(promotion(rollout, deployment, look.now), deployment) if by == LOOP else ()
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
    version, found = rollout.candidate.version, outside(promotion(rollout, deployment, look.now), deployment)
    if not found:
        return Promote(version=version, why=words)
    lasting = [b.words for b in found if not b.passing]
    if not lasting or any(d.action == "ask" and d.subject == version for d in deployment.decisions):
        return None
    return AskToPromote(
        version=version, why=f"{words}; {lasting[0]}; to promote it: `setpoint repair approve {version}`"
    )
