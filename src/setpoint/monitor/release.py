"""A new version against the one it replaced: the same requests, scored by both."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.monitor.horizons import surest
from setpoint.monitor.seen import STEPS, Contest, Seen
from setpoint.stats.losses import loss_name
from setpoint.stats.paired import mean_interval

WATCHED = timedelta(days=7)
RELEASES_PER_YEAR = 50.0
WINDOWS = 2  # all requests, and those since the release
FLOOR = 0.05  # of the loss of the version replaced: a release worse by less is no alarm


def release(seen: Seen) -> Iterator[Finding]:
    """Alarm when a new champion is surely worse than the version it replaced, in its first week.

    Paired on the same requests, this sees in a day what the loss alone, which moves by itself, shows in a week. All
    requests are judged together, and those since the release alone: it may be worse only for what is asked now.
    """
    contest = seen.contest
    if contest is None or not len(contest.losses):
        return
    stretches = [0] if contest.before in (0, len(contest.losses)) else [0, contest.before]
    looks = min(seen.looks, RELEASES_PER_YEAR * WATCHED.days)
    alpha = seen.level(STEPS * WINDOWS, looks)
    yield from surest([_judged(seen, contest, first, alpha) for first in stretches])


def _judged(seen: Seen, contest: Contest, first: int, alpha: float) -> Finding:
    """Compare the two on the requests from one on."""
    ours, theirs = contest.losses[first:], contest.losses_replaced[first:]
    worse = mean_interval(ours - theirs, level=1 - 2 * alpha)
    earlier = max(contest.before - first, 0)
    which = f"{worse.rows} requests" + (f", {earlier} of them from before its release" if earlier else "")
    return Finding(
        monitor="quality",
        metric="release_step",
        version=contest.champion,
        since=contest.since,
        until=seen.now,
        rows=worse.rows,
        value=worse.mean,
        limit=FLOOR * float(theirs.mean()),
        alarm=bool(worse.low > FLOOR * float(theirs.mean())),
        low=worse.low if np.isfinite(worse.low) else None,
        high=worse.high if np.isfinite(worse.high) else None,
        detail=f"{loss_name(seen.schema)} {ours.mean():.4g} with {contest.champion}, {theirs.mean():.4g} with "
        f"{contest.replaced} on the same {which}",
    )
