"""The feed of outcomes: whether they come when they are due, and are what they were."""

from collections.abc import Iterator

from setpoint.domain.finding import Finding
from setpoint.monitor.feed.late import late
from setpoint.monitor.feed.values import constant, moved
from setpoint.monitor.seen import Seen


def feed(seen: Seen) -> Iterator[Finding]:
    """Report outcomes that are due and do not come, that stand still, or whose level jumped without the answers'."""
    yield from late(seen)
    yield from constant(seen)
    yield from moved(seen)
