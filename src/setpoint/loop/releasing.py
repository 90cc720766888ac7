"""Make a version champion by a person's word: all that goes with a version comes and goes with it."""

from datetime import datetime

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Deployment, Release
from setpoint.domain.live import Served, alone
from setpoint.domain.rollout import withdraw
from setpoint.domain.unfit import unfit
from setpoint.domain.value import replace
from setpoint.domain.version import Lineage
from setpoint.loop.changes import decided, ending, with_champion, with_rollout
from setpoint.ports import BundleStore


def released(
    bundles: BundleStore, deployment: Deployment, version: str, now: datetime, by: str, verb: str
) -> Deployment:
    """Return the deployment with another champion; a rollout under way is withdrawn, shadow and shares end."""
    replaced, why = deployment.served.champion, ending(deployment.served)
    for rollout in deployment.rollouts:
        if rollout.running:
            deployment = with_rollout(deployment, withdraw(rollout, now))
    release = Release(version=version, at=now, by=by, replaced=replaced)
    deployment = with_champion(deployment, served_by(bundles, deployment, version), release)
    return decided(deployment, now, "", version, "release", f"{verb}, replacing {replaced}{why}", by)


def rolled_back(bundles: BundleStore, deployment: Deployment, version: str, now: datetime, by: str) -> Deployment:
    """Return the deployment with an earlier champion, retrained as that one was."""
    deployment = released(bundles, deployment, version, now, by, "rolled back")
    return retrained_as(deployment, bundles.get(deployment.model, version).lineage)


def served_by(bundles: BundleStore, deployment: Deployment, version: str) -> Served:
    """Return how a version serves alone, with the one it replaces held ready."""
    maps = maps_of(bundles, deployment, version)
    before = deployment.served
    return replace(alone(before, version), maps=maps)


def maps_of(bundles: BundleStore, deployment: Deployment, version: str) -> tuple[FeatureMap, ...]:
    """Return the repairs that fit a version, also those that did not fit the champion before."""
    schema = bundles.get(deployment.model, version).schema
    repairs = [i.repair for i in deployment.incidents if i.live and i.repair and i.repair.in_force]
    standing = deployment.served.maps
    repaired = {name for m in standing for name in m.changes}
    back = [r.map for r in repairs if r.map and not repaired & set(r.map.changes)]
    return tuple(m for m in (*back, *standing) if not unfit(m, schema))


def retrained_as(deployment: Deployment, lineage: Lineage) -> Deployment:
    """Have a deployment retrained as a version says; one of the first format does not say, and changes nothing."""
    if not lineage.source:
        return deployment
    return replace(deployment, train=lineage.train or None, source=lineage.source, allow=lineage.allow)
