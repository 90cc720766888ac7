"""Which rows of the log a look reads: the last weeks, and of older ones no more than it needs."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Records, joined
from setpoint.domain.version import ModelVersion
from setpoint.loop.looks.columns import fitting
from setpoint.loop.looks.spans import doubtful_spans
from setpoint.loop.ports import Ports
from setpoint.update.sets.choose import outside

BASELINE = timedelta(days=28)
ENOUGH = 50_000  # labelled rows of the last weeks that no training has seen: older ones are left alone
FURTHEST = timedelta(days=3 * 365)  # and so far back, however few they are


def unlearnt(
    ports: Ports, deployment: Deployment, champion: ModelVersion, history: Records, weeks: datetime, now: datetime
) -> Records:
    """Return the labelled rows that no training could have; of before `history`, where it holds too few."""
    frontier, rows = deployment.new_since, history.between(deployment.new_since, None).labelled
    if len(rows) >= ENOUGH or (frontier is not None and frontier >= weeks):
        return rows
    since = max(filter(None, (frontier, now - FURTHEST)))
    older = recorded(ports, champion, since=since, until=weeks, as_of=now).labelled
    return joined(older, rows)


def learnable(rows: Records, deployment: Deployment, now: datetime) -> Records:
    """Return the rows that a training set may hold, whatever is made of them."""
    return rows.take(outside(rows, np.arange(len(rows)), doubtful_spans(deployment, now)))


def span(deployment: Deployment) -> timedelta:
    """Return how far back a look must read: a recent incident and the weeks before it, every objective's window."""
    return max(2 * BASELINE, timedelta(seconds=max(o.window_s for o in deployment.objectives)))


def recorded(ports: Ports, champion: ModelVersion, **window: Any) -> Records:
    """Return recorded rows that have the champion's features."""
    return fitting(ports, champion.model, ports.log.read(champion.model, **window), champion.schema)


def earlier(ports: Ports, deployment: Deployment, champion: ModelVersion, now: datetime) -> dict[datetime, Records]:
    """Return the weeks before incidents that are older than what a look reads, by their start."""
    old = {i.since for i in deployment.incidents if i.live and i.since < now - BASELINE}
    return {s: recorded(ports, champion, since=s - BASELINE, until=s, as_of=now) for s in sorted(old)}
