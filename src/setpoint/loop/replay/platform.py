"""A platform without processes: it holds what is live, and recorded traffic meets it."""

from setpoint.domain.live import Live
from setpoint.domain.record import ProcessEvent


class RecordedPlatform:
    """Serves recorded traffic: holds what is live, and nothing ever happens to its processes."""

    def __init__(self) -> None:
        self._live = Live()

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
        """Return no events."""
        return []
