"""A new version against the one it replaced: the same requests, scored by both."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.monitor.seen import STEPS, Seen
from setpoint.stats.losses import loss_name
from setpoint.stats.paired import mean_interval

WATCHED = timedelta(days=7)
RELEASES_PER_YEAR = 50.0
FLOOR = 0.1  # of the loss of the version replaced: a release worse by less is no alarm


def release(seen: Seen) -> Iterator[Finding]:
    """Alarm when a new champion is surely worse than the version it replaced, in its first week.

    Paired on the same requests, this sees in a day what the loss alone, which moves by itself, shows in a week.
    """
    contest = seen.contest
    if contest is None or not len(contest.losses):
        return
    looks = min(seen.looks, RELEASES_PER_YEAR * WATCHED.days)
    alpha = seen.level(STEPS, looks)
    worse = mean_interval(contest.losses - contest.losses_replaced, level=1 - 2 * alpha)
    before = float(contest.losses_replaced.mean())
    which = f"{worse.rows} requests" + (" from before its release" if contest.backtest else "")
    yield Finding(
        monitor="quality",
        metric="release_step",
        version=contest.champion,
        since=contest.since,
        until=seen.now,
        rows=worse.rows,
        value=worse.mean,
        limit=FLOOR * before,
        alarm=bool(worse.low > FLOOR * before),
        low=worse.low if np.isfinite(worse.low) else None,
        high=worse.high if np.isfinite(worse.high) else None,
        detail=f"{loss_name(seen.schema)} {contest.losses.mean():.4g} with {contest.champion}, {before:.4g} with "
        f"{contest.replaced} on the same {which}",
    )
