"""When a training begins, what becomes of it, and when an earlier version is restored."""

from setpoint.domain.bounds import Breach
from setpoint.domain.envelope import LOOP, Change, Kind
from setpoint.domain.fleet import Deployment, Training
from setpoint.domain.freeze import frozen
from setpoint.domain.incident import IncidentStatus, Remedy
from setpoint.loop.actions import Action, Ask, Fit, Gate, Offer, Restore, Shadow, Submit
from setpoint.loop.advising import advice_of, plan_of
from setpoint.loop.history import outside, training
from setpoint.loop.looks.look import Look
from setpoint.loop.taking import is_persons
from setpoint.update.advice import Move


def next_training(deployment: Deployment, look: Look) -> Action | None:
    """Return what is done next about trainings: one that is under way comes first."""
    if deployment.training is not None:
        return _under_way(deployment.training, deployment, look)
    if deployment.distrusts is not None or is_persons(deployment):
        return None
    if deployment.served.champion != look.champion.version:
        return None  # another look is needed at what was restored
    if any(r.running for r in deployment.rollouts):
        return None  # what the last one brought is yet to be seen
    return _begun(deployment, look)


def _under_way(training: Training, deployment: Deployment, look: Look) -> Action | None:
    stands_in = training.without is not None
    if deployment.distrusts is not None and not stands_in:
        return None
    if not training.submitted:
        return Submit()
    if look.fit is None or look.fit.id != training.job:
        return None
    if stands_in:
        return Offer()
    if look.unreadable:
        return None
    if not training.repeats:
        return Gate() if not any(r.running for r in deployment.rollouts) else None
    return Shadow() if not frozen(deployment.rolling.freezes, look.now) else None


def _begun(deployment: Deployment, look: Look) -> Action | None:
    advice = advice_of(deployment, look)
    if advice.move is Move.RESTORE:
        back = Change(at=look.now, kind=Kind.ROLLBACK, subject=advice.version)
        return None if outside(back, deployment) else Restore(version=advice.version, why=advice.why)
    by = _approved(deployment, Remedy.RETRAIN)
    if not by and not deployment.envelope.is_automatic(Kind.RETRAIN):
        return _ask_to_retrain(deployment, outside(Change(at=look.now, kind=Kind.RETRAIN, subject=""), deployment))
    plan = plan_of(advice, deployment, look)
    if plan is None:
        return None
    if not by and (found := outside(training(plan, deployment, look.champion, look.now), deployment)):
        return _ask_to_retrain(deployment, found)
    return Fit(job=f"{deployment.model}-{look.now:%Y%m%dT%H%M%S}", plan=plan, by=by or LOOP)


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
