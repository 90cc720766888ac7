"""Which versions must stay, and why: decides what `versions prune` may remove."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Served
from setpoint.domain.rollout import Phase
from setpoint.domain.value import to_json
from setpoint.domain.version import ModelVersion

YOUNG = timedelta(days=1)  # `deploy` has made a version, and not yet made it live
WORD = re.compile(rb"[\w.-]+")


def needed(
    deployment: Deployment, live: Served | None, versions: Sequence[ModelVersion], root: str, now: datetime
) -> dict[str, tuple[str, ...]]:
    """Return the versions that must stay, each with the reasons.

    Parameters
    ----------
    deployment : Deployment
    live : Served, optional
        What the platform was told to serve: after a crash it may differ from the deployment.
    versions : sequence of ModelVersion
        All whose files are there.
    root : str
        The version whose reference begins the next training set.
    now : datetime
    """
    found: dict[str, list[str]] = {}
    for name, why in _reasons(deployment, live, versions, root, now):
        reasons = found.setdefault(name, [])
        if why not in reasons:
            reasons.append(why)
    return {v.version: tuple(found[v.version]) for v in versions if v.version in found}


def spared(versions: Sequence[ModelVersion], *, newest: int, before: datetime | None) -> dict[str, tuple[str, ...]]:
    """Return the versions that stay though nothing needs them: the newest, and those not made before a time."""
    by_age = sorted(versions, key=lambda v: v.lineage.created, reverse=True)
    whys = {v.version: f"among the newest {newest}" for v in by_age[:newest]}
    whys |= {v.version: "not old enough" for v in by_age if before is not None and v.lineage.created >= before}
    return {version: (why,) for version, why in whys.items()}


def _reasons(
    deployment: Deployment, live: Served | None, versions: Sequence[ModelVersion], root: str, now: datetime
) -> Iterator[tuple[str, str]]:
    for hold in deployment.holds:
        yield hold.version, f"on hold: {hold.why}"
    for served in (deployment.served, live) if live else (deployment.served,):
        yield served.champion, "champion"
        yield from ((v, "challenger") for v in served.shares)
        if served.shadow:
            yield served.shadow, "shadow"
    yield root, "its reference begins each training set"
    yield from _ways_back(deployment, live, versions)
    yield from _under_way(deployment, versions)
    yield from _unused(deployment, versions, now)


def _ways_back(
    deployment: Deployment, live: Served | None, versions: Sequence[ModelVersion]
) -> Iterator[tuple[str, str]]:
    """Yield what a roll back of something that serves would return to: the release before, and the parents."""
    last = deployment.releases[-2:]
    yield from ((r.version, "the release before") for r in last[:-1])
    if deployment.way_back:
        yield deployment.way_back, "`rollback` returns to it"
    serving = {*deployment.served.versions, *(live.versions if live else ())}
    for v in versions:
        if v.version in serving and v.lineage.parent:
            yield v.lineage.parent, f"parent of {v.version}"


def _under_way(deployment: Deployment, versions: Sequence[ModelVersion]) -> Iterator[tuple[str, str]]:
    """Yield what open incidents, trainings and rollouts speak of."""
    names = {v.version for v in versions}
    for incident in deployment.incidents:
        if incident.live:
            yield from ((name, f"incident {incident.id}") for name in _mentioned(incident, names))
    promoted = [r for r in deployment.rollouts if r.phase is Phase.PROMOTED][-1:]
    unmeasured = [r for r in promoted if r.receipt is None]
    for rollout in (*(r for r in deployment.rollouts if r.running), *unmeasured):
        candidate = rollout.candidate
        yield from ((name, f"rollout of {candidate.version}") for name in (candidate.version, candidate.champion))
    if deployment.training is not None:
        begun_with = [deployment.training.parent] if deployment.training.parent else names
        yield from ((name, f"training {deployment.training.job}") for name in begun_with)


def _unused(deployment: Deployment, versions: Sequence[ModelVersion], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what has not had its turn: made a moment ago, or by a training that waits for its gate."""
    played = {r.version for r in deployment.releases} | {r.candidate.version for r in deployment.rollouts}
    for v in versions:
        waits = deployment.training is not None and v.version not in played
        if waits or v.lineage.created > now - YOUNG:
            yield v.version, "waits for its gate" if waits else "made within the last day"


def _mentioned(thing: object, names: set[str]) -> list[str]:
    """Return the names that stand anywhere in a value, be it in a sentence: too many rather than too few."""
    words = {word.decode().strip(".") for word in WORD.findall(to_json(thing))}
    return sorted(names & words)
