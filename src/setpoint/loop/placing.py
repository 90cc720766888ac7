"""What a repair changes of how a model is served, and how that is taken away again. Pure: the caller has it served.

Taken away, a repair leaves nothing of itself: the model answers as it would have without it, byte by byte.
"""

from datetime import datetime, timedelta

from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.incident import Repair
from setpoint.domain.live import alone
from setpoint.domain.value import replace
from setpoint.loop.changes import ending, with_champion


def placed(deployment: Deployment, repair: Repair, at: datetime, by: str) -> tuple[Deployment, str]:
    """Return the deployment served under a repair, and what ends thereby, in words."""
    served = deployment.served
    if repair.map is not None or repair.fallback is not None:
        maps = tuple(m for m in (repair.map,) if m is not None and m.id not in {known.id for known in served.maps})
        falls = tuple(f for f in (repair.fallback,) if f is not None and f not in served.fallbacks)
        both = replace(served, maps=(*served.maps, *maps), fallbacks=(*served.fallbacks, *falls))
        return replace(deployment, served=both), ""
    if repair.workers:
        return replace(deployment, served=replace(served, workers=max(repair.workers, served.workers))), ""
    if repair.throttle is not None:
        begun = replace(repair.throttle, until=at + timedelta(seconds=repair.throttle.lasts_s))
        others = tuple(t for t in served.throttles if t.caller != begun.caller)
        return replace(deployment, served=replace(served, throttles=(*others, begun))), ""
    if repair.isolation is not None and repair.isolation not in served.isolations:
        return replace(deployment, served=replace(served, isolations=(*served.isolations, repair.isolation))), ""
    if repair.to_version is not None and repair.to_version != served.champion:
        return _released(deployment, repair.to_version, at, by), ending(served)
    return deployment, ""


def displaced(deployment: Deployment, repair: Repair, at: datetime, by: str) -> tuple[Deployment, str]:
    """Return the deployment served without a repair, and what that means beyond it, in words.

    A roll back is taken back by going forward to the version that it replaced, unless another one came meanwhile.
    """
    served = deployment.served
    if repair.map is not None or repair.fallback is not None:
        mine = {part.id for part in (repair.map, repair.fallback) if part is not None}
        maps = tuple(m for m in served.maps if m.id not in mine)
        falls = tuple(f for f in served.fallbacks if f.id not in mine)
        return replace(deployment, served=replace(served, maps=maps, fallbacks=falls)), ""
    if repair.workers:
        return replace(deployment, served=replace(served, workers=_others_workers(deployment, repair))), ""
    if repair.throttle is not None:
        rest = tuple(t for t in served.throttles if t.id != repair.throttle.id)
        return replace(deployment, served=replace(served, throttles=rest)), ""
    if repair.isolation is not None:
        left = tuple(i for i in served.isolations if i.id != repair.isolation.id)
        return replace(deployment, served=replace(served, isolations=left)), ""
    if repair.to_version is None:
        return deployment, ""
    last = deployment.releases[-1]
    if last.version != repair.to_version or last.at != repair.applied or last.replaced is None:
        return deployment, f"; {served.champion} stays champion, for it came meanwhile"
    return _released(deployment, last.replaced, at, by), f"; {last.replaced} is champion again{ending(served)}"


def overlapping(deployment: Deployment, repair: Repair) -> tuple[str, ...]:
    """Return the incidents whose repairs at the door change a column that this one changes, too."""
    changed = set(repair.map.changes) if repair.map is not None else set()
    return tuple(
        i.id
        for i in deployment.incidents
        if i.live and i.repair and i.repair.in_force and i.repair.map and changed & set(i.repair.map.changes)
    )


def _others_workers(deployment: Deployment, repair: Repair) -> int:
    """Return how many workers the other repairs in force ask for; 0 where none does."""
    others = (i.repair for i in deployment.incidents if i.live and i.repair and i.repair.in_force)
    return max((r.workers for r in others if r.id != repair.id), default=0)


def _released(deployment: Deployment, version: str, at: datetime, by: str) -> Deployment:
    served = alone(deployment.served, version)
    release = Release(version=version, at=at, by=by, replaced=deployment.served.champion)
    return with_champion(deployment, served, release)
