"""Requests that workers refused, for too much was before them: they are on no record, and counted by the minute."""

from collections.abc import Iterator
from datetime import timedelta

from setpoint.domain.finding import Finding
from setpoint.domain.workload import load_of
from setpoint.monitor.burn import UNSTATED
from setpoint.monitor.seen import SOURCES, Seen
from setpoint.monitor.service import allowed
from setpoint.stats.burn import surely_above

LONG, SHORT = timedelta(minutes=10), timedelta(minutes=2)


def turned_away(seen: Seen) -> Iterator[Finding]:
    """Report the share of requests turned away in the last ten minutes.

    It is an alarm where it is surely more than the availability objective allows (1 % where none is stated), and still
    goes on.
    """
    minutes = [m for report in seen.reports.values() for m in report.load]
    long, short = (load_of(minutes, seen.model, seen.now - span, seen.now) for span in (LONG, SHORT))
    if not long.turned_away:
        return
    goal = next((o for o in seen.objectives if o.metric in ("availability", "error_rate")), UNSTATED)
    limit, asked = allowed(goal), long.requests + long.turned_away
    sure = bool(surely_above(long.turned_away, asked, limit, seen.level(SOURCES, 365.25 * 144)))
    yield Finding(
        monitor="service",
        metric="turned_away",
        since=seen.now - LONG,
        until=seen.now,
        rows=asked,
        value=long.refused,
        limit=limit,
        alarm=sure and short.refused > limit,
        detail=f"{long.turned_away:,} of {asked:,} requests were turned away (429) in {long.minutes} min, for too much "
        "was before them",
    )
