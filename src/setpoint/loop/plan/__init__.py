"""Decide. Reads no clock, disk or network: the same deployment and the same look give the same next action."""

from setpoint.domain.fleet import Deployment
from setpoint.loop.actions import Action, Receipt
from setpoint.loop.changes import find_rollout
from setpoint.loop.looks.look import Look
from setpoint.loop.plan.incidents import next_for
from setpoint.loop.plan.rollouts import next_rollout
from setpoint.loop.plan.trainings import next_training

RECEIPT_ROWS = 168


def plan(deployment: Deployment, look: Look) -> Action | None:
    """Return the next thing to do, or None when there is nothing left."""
    for incident in deployment.incidents:
        if incident.live and (action := next_for(incident, deployment, look)):
            return action
    return next_rollout(deployment, look) or next_training(deployment, look) or _next_receipt(deployment, look)


def _next_receipt(deployment: Deployment, look: Look) -> Action | None:
    for rollout in deployment.rollouts:
        of_before = rollout is not find_rollout(deployment, rollout.candidate.version)  # it was begun again since
        if rollout.ended is None or rollout.receipt is not None or of_before:
            continue
        if len(look.history.between(rollout.ended, None).labelled) >= RECEIPT_ROWS:
            return Receipt(version=rollout.candidate.version)
    return None
