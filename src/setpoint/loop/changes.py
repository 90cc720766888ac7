"""Small changes to a deployment that several actions share."""

from collections.abc import Mapping
from datetime import datetime

from setpoint.domain.envelope import LOOP, Fact
from setpoint.domain.event import Event, What
from setpoint.domain.fleet import Decided, Deployment, Release
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.live import Served, written
from setpoint.domain.remembering import happened
from setpoint.domain.rollout import Rollout
from setpoint.domain.value import replace
from setpoint.errors import NotFound, SetpointError
from setpoint.loop.ports import Ports


def find_incident(deployment: Deployment, id_: str) -> Incident:
    """Return an incident by its id."""
    for incident in deployment.incidents:
        if incident.id == id_:
            return incident
    known = ", ".join(i.id for i in deployment.incidents if i.live) or "none"
    raise NotFound(f"no incident {id_!r} of {deployment.model}; live incidents: {known}")


def having_incident(ports: Ports, id_: str) -> Deployment:
    """Return the deployment that has an incident.

    Raises
    ------
    NotFound
        If none has it; the error names the live ones.
    """
    deployments = [ports.state.load(m) for m in ports.state.models()]
    for deployment in deployments:
        if any(i.id == id_ for i in deployment.incidents):
            return deployment
    incidents = [i for d in deployments for i in d.incidents]
    live = ", ".join(i.id for i in incidents if i.live) or "none"
    closed = sum(not i.live for i in incidents)
    more = f"; {closed} closed: `setpoint incidents --all`" if closed else ""
    raise NotFound(f"no incident {id_!r}; live incidents: {live}{more}")


def find_rollout(deployment: Deployment, version: str) -> Rollout:
    """Return the rollout of a candidate version."""
    for rollout in reversed(deployment.rollouts):
        if rollout.candidate.version == version:
            return rollout
    known = ", ".join(r.candidate.version for r in deployment.rollouts) or "none"
    raise NotFound(f"no rollout of {version!r}; candidates so far: {known}")


def with_incident(
    deployment: Deployment,
    incident: Incident,
    at: datetime | None = None,
    said: str = "",
    *,
    what: What = What.NOTED,
    by: str = LOOP,
) -> Deployment:
    """Store an incident in place of the one with its id; what is said goes into its timeline."""
    told = incident if at is None else happened(incident, Event(at=at, what=what, said=said, by=by))
    return replace(deployment, incidents=tuple(told if i.id == told.id else i for i in deployment.incidents))


def with_rollout(deployment: Deployment, rollout: Rollout) -> Deployment:
    """Store a rollout in place of the latest one of the same candidate; as the newest, where it is begun again."""
    rollouts = deployment.rollouts
    same = [at for at, r in enumerate(rollouts) if r.candidate.version == rollout.candidate.version]
    if not same or (rollout.running and not rollouts[same[-1]].running):
        return replace(deployment, rollouts=(*rollouts, rollout))
    return replace(deployment, rollouts=(*rollouts[: same[-1]], rollout, *rollouts[same[-1] + 1 :]))


def with_champion(deployment: Deployment, served: Served, release: Release) -> Deployment:
    """Return the deployment with another champion, and with the version before it that was good held ready."""
    after = replace(deployment, releases=(*deployment.releases, release))
    return replace(after, served=replace(served, standby=after.way_back))


def decided(
    deployment: Deployment,
    at: datetime,
    cause: Cause | str,
    subject: str,
    action: str,
    why: str,
    by: str = LOOP,
    *,
    facts: Mapping[str, Fact] | None = None,
) -> Deployment:
    """Write a decision down, with the facts that an envelope judges it by."""
    said = Decided(at=at, cause=str(cause), subject=subject, action=action, why=why, by=by, facts=dict(facts or {}))
    return replace(deployment, decisions=(*deployment.decisions, said))


def ending(served: Served) -> str:
    """Say which shares end because the champion that had the rest is replaced; nothing where there are none."""
    return f"; the shares end: {written(served.shares)}" if served.shares else ""


def cause_of(incident: Incident) -> tuple[Cause, str]:
    """Return the most likely cause of an incident and what it is about."""
    if not incident.causes:
        return Cause.UNKNOWN, incident.subject
    return incident.causes[0].cause, incident.causes[0].subject


def serve(ports: Ports, deployment: Deployment) -> None:
    """Have the model served as its deployment says; return when every worker does."""
    live = ports.platform.live()
    if live.models.get(deployment.model) != deployment.served:
        ports.platform.apply(live.having(deployment.model, deployment.served))


def settle(ports: Ports, before: Deployment | None, after: Deployment) -> Deployment:
    """Write down what shall be, then have it served: whoever is stopped between the two, the next turn makes it good.

    What the workers refuse is not written down: the deployment stays as it was. A first one is served first, for there
    is nothing to go back to.
    """
    if before is None:
        serve(ports, after)
    ports.state.save(after)
    try:
        serve(ports, after)
    except SetpointError:
        if before is not None:
            ports.state.save(before)
        raise
    return after
