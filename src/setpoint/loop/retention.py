"""Records that are kept no longer: by their age and the size of all, once an hour."""

from datetime import datetime, timedelta

from setpoint.domain.fleet import Deployment
from setpoint.domain.value import replace
from setpoint.loop.blindness import again
from setpoint.loop.changes import decided
from setpoint.loop.ports import Ports

EVERY = timedelta(hours=1)


def due(deployment: Deployment, now: datetime) -> bool:
    """Whether it is time to look for records that are too old or too many."""
    kept = deployment.retention
    if kept.keep_s is None and kept.at_most_bytes is None:
        return False
    return deployment.expired is None or now - deployment.expired >= EVERY


def expire(ports: Ports, deployment: Deployment, now: datetime) -> Deployment:
    """Delete what the deployment does not keep, and say so where there was something; a failure is written down."""
    kept = deployment.retention
    before = None if kept.keep_s is None else now - timedelta(seconds=kept.keep_s)
    try:
        gone = ports.log.expire(deployment.model, before=before, at_most_bytes=kept.at_most_bytes)
    except Exception as e:
        ports.state.save(replace(deployment, undeleted=again(deployment.undeleted, now, e)))
        raise
    deployment = replace(deployment, expired=now, undeleted=None)
    if gone.days:
        days = f"{gone.days[0]} to {gone.days[-1]}" if len(gone.days) > 1 else f"of {gone.days[0]}"
        why = f"records {days}: {gone.rows:,} rows, {gone.bytes / 1e6:,.1f} MB"
        deployment = decided(deployment, now, "", deployment.model, "expire", why)
    ports.state.save(deployment)
    return deployment
