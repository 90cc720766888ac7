"""What others do instead of a loop: train again by a clock or an alarm, and serve what comes out unjudged."""

from datetime import datetime, timedelta
from pathlib import Path

from setpoint.domain.fleet import Deployment, Release, Training
from setpoint.domain.live import Served
from setpoint.domain.value import replace
from setpoint.errors import SetpointError
from setpoint.loop.changes import decided, settle
from setpoint.loop.learning.candidates import submit
from setpoint.loop.ports import Ports
from setpoint.loop.replay.policies import Refit
from setpoint.update.trainers import usual

WEEK = timedelta(days=7)


def refit_if_due(ports: Ports, deployment: Deployment, kind: Refit, incidents: int, now: datetime) -> Deployment:
    """Train and serve where it is time to; `incidents` is how many there were before this look."""
    why = _due(deployment, kind, incidents, now)
    return refit(ports, deployment, now, why) if why else deployment


def refit(ports: Ports, deployment: Deployment, now: datetime, why: str) -> Deployment:
    """Train on everything known by now, and serve what comes out: no gate, no shadow."""
    model, champion = deployment.model, deployment.served.champion
    parent = ports.bundles.get(model, champion)
    training = Training(
        job=f"{model}-{now:%Y%m%dT%H%M%S}",
        parent=champion,
        reason=why,
        by="replay",
        holdout_since=now,
        until=now,
        method=deployment.updates.method or usual(Path(parent.artifact), deployment.train),
    )
    deployment = decided(replace(deployment, last_fit=now), now, "", model, "fit", why, "replay")
    try:
        submit(ports, deployment, training)
        fit = ports.trainer.result(training.job)
    except SetpointError as e:
        return decided(deployment, now, "", model, "training failed", str(e), "replay")
    if fit is None or fit.version is None:
        return decided(deployment, now, "", model, "training failed", (fit and fit.error) or "no result", "replay")
    release = Release(version=fit.version, at=now, by="replay", replaced=champion)
    served = Served(champion=fit.version, maps=deployment.served.maps)
    after = replace(deployment, served=served, releases=(*deployment.releases, release))
    return settle(
        ports, deployment, decided(after, now, "", fit.version, "promote", "served without being judged", "replay")
    )


def _due(deployment: Deployment, kind: Refit, incidents: int, now: datetime) -> str:
    last = deployment.last_fit or deployment.releases[0].at
    match kind:
        case Refit.WEEKLY:
            return "a week has passed" if now - last >= WEEK else ""
        case Refit.ALWAYS:
            return "another look, another training"
        case Refit.ON_ALARM:
            new = deployment.incidents[incidents:]
            return f"an alarm: {new[-1].findings[-1].detail}" if new else ""
