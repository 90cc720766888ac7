"""A platform without processes: it holds what is live, and recorded traffic meets it."""

from setpoint.domain.live import Live
from setpoint.domain.record import ProcessEvent


class RecordedPlatform:
    """Serves recorded traffic: holds what is live; nothing happens to its processes but the given `events`."""

    def __init__(self, events: tuple[ProcessEvent, ...] = ()) -> None:
        self._live, self._events = Live(), events

    def live(self) -> Live:
        """Return what is served."""
        return self._live

    def apply(self, live: Live) -> None:
        """Serve this from the next window on."""
        self._live = live

    def holds(self, model: str, version: str) -> bool:
        """Whether a version is loaded: here nothing is."""
        return False

    def events(self) -> list[ProcessEvent]:
        """Return what is said to have happened."""
        return list(self._events)
