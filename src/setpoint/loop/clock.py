"""Clocks: the wall's, and one that stands where it is put."""

from datetime import UTC, datetime


class WallClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)


class VirtualClock:
    """A clock for recorded time."""

    def __init__(self, start: datetime) -> None:
        self.time = start

    def now(self) -> datetime:
        """Return the time it was put to."""
        return self.time
