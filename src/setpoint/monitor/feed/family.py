"""What the sensors of the feed share: what they may spend, and the rows that say what is natural."""

from setpoint.domain.records import Records
from setpoint.monitor.seen import SOURCES, Seen

TESTS = 8  # three ages and two windows, values that stand still, levels that jump


def level(seen: Seen) -> float:
    """Return the one-sided error of one test in one look."""
    return seen.level(SOURCES * TESTS)


def sound(seen: Seen) -> Records:
    """Return the rows that no incident makes doubtful."""
    return seen.baseline if seen.healthy is None else seen.healthy
