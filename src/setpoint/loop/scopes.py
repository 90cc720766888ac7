"""What the log counts of a model's rows, for the monitors."""

from datetime import datetime
from pathlib import Path

from setpoint.domain.fleet import Deployment
from setpoint.loop.ports import Ports
from setpoint.loop.release import read_profile
from setpoint.loop.spans import doubtful
from setpoint.monitor.scope import BASELINE, HOUR, MINUTE, MINUTES_KEPT, Scope, floored


def scopes(
    ports: Ports, deployment: Deployment, folder: Path, version: str | None, started: datetime, now: datetime
) -> tuple[Scope, ...]:
    """Return the counts of all the champion's rows.

    Parameters
    ----------
    folder : Path
        The champion's bundle.
    version : str, optional
        The only version whose rows count, where others have other columns.
    """
    running = floored(now, HOUR)
    first = floored(started, HOUR) - BASELINE
    hours = ports.log.series(deployment.model, first, running, HOUR, version=version)
    minutes = ports.log.series(deployment.model, running - MINUTES_KEPT, now, MINUTE, version=version)
    return (Scope(hours=hours[""], minutes=minutes[""], doubtful=doubtful(deployment), reference=read_profile(folder)),)
