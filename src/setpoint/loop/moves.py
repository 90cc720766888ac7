"""Moves of a rollout that both the loop and people make. Pure: the caller has what comes out served."""

from datetime import datetime

from setpoint.domain.canary import aborted, begun_to_serve, serving, without
from setpoint.domain.envelope import LOOP
from setpoint.domain.fleet import Deployment
from setpoint.domain.live import written
from setpoint.domain.rollout import Phase, Rollout, withdraw
from setpoint.domain.value import replace
from setpoint.errors import Conflict
from setpoint.loop.changes import decided, find_rollout, with_rollout
from setpoint.loop.history import step_facts


def on_its_way(deployment: Deployment) -> Rollout | None:
    """Return the rollout that is on a course of steps, if there is one."""
    return next((r for r in deployment.rollouts if r.running and r.moving is not None), None)


def in_shadow(deployment: Deployment) -> Rollout | None:
    """Return the rollout that is decided by its shadow alone, if there is one."""
    return next((r for r in deployment.rollouts if r.phase is Phase.SHADOW and r.moving is None), None)


def check_not_moving(deployment: Deployment) -> None:
    """Raise Conflict while a rollout moves the shares: nobody else may."""
    if (rollout := on_its_way(deployment)) is not None:
        model = deployment.model
        raise Conflict(
            f"the rollout of {rollout.candidate.version} moves the shares of {model}; `setpoint rollout pause {model}` "
            f"holds it where it is, `setpoint rollout abort {model}` ends it"
        )


def moved(deployment: Deployment, rollout: Rollout, now: datetime, why: str, by: str = LOOP) -> Deployment:
    """Return the deployment with a rollout in a step that it has just begun, served as that step has it."""
    version = rollout.candidate.version
    before, served = deployment.served.shares.get(version, 0.0), serving(deployment.served, rollout)
    deployment = with_rollout(replace(deployment, served=served), rollout)
    if version not in served.shares:
        return decided(deployment, now, _cause(rollout), version, "shadow", why, by)
    of = f" of {served.only.words}" if served.only else ""
    share = f"{written({version: served.shares[version]})} of the requests{of}, was {100 * before:.6g}%"
    facts = step_facts(rollout, before, served.shares[version])
    return decided(deployment, now, _cause(rollout), version, "share", f"{share}: {why}", by, facts=facts)


def served_since(deployment: Deployment, now: datetime) -> Deployment:
    """Return the deployment with when a rollout's shadow or present step was served: the workers do as it says by now.

    What was asked between the decision and that time was not asked of the shadow, so it cannot have failed on it.
    """
    if (shadow := in_shadow(deployment)) is not None and shadow.shadow_served is None:
        return with_rollout(deployment, replace(shadow, shadow_served=now))
    rollout = on_its_way(deployment)
    if rollout is None or rollout.moving is None:
        return deployment
    return with_rollout(deployment, replace(rollout, moving=begun_to_serve(rollout.moving, now)))


def gone_back(deployment: Deployment, version: str, now: datetime, why: str) -> Deployment:
    """Return the deployment with a candidate out of the way: the champion answers alone again."""
    rollout = find_rollout(deployment, version)
    ended = withdraw(rollout, now)
    deployment = replace(with_rollout(deployment, ended), served=without(deployment.served, version))
    return decided(deployment, now, _cause(rollout), version, "back" if rollout.moving else "reject", why)


def stopped(deployment: Deployment, rollout: Rollout, now: datetime, by: str) -> Deployment:
    """Return the deployment with a rollout ended by a person, wherever it was."""
    version, share = rollout.candidate.version, deployment.served.shares
    was = f"at {written(share)}" if rollout.candidate.version in share else f"in phase {rollout.phase}"
    deployment = replace(with_rollout(deployment, aborted(rollout, now)), served=without(deployment.served, version))
    return decided(deployment, now, _cause(rollout), version, "abort", f"it was {was}", by)


def _cause(rollout: Rollout) -> str:
    """Return what a rollout is there for: a candidate of the loop answers a changed world."""
    return "concept" if rollout.moving is None or rollout.moving.by == LOOP else ""
