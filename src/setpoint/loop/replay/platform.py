"""A platform without processes: it holds what is live, and recorded traffic meets it."""

from collections.abc import Callable

from setpoint.domain.live import Live, WorkerStatus
from setpoint.domain.record import ProcessEvent


class RecordedPlatform:
    """Serves recorded traffic: holds what is live; of its processes nothing is known but `events` and `reports`."""

    def __init__(
        self,
        events: tuple[ProcessEvent, ...] = (),
        reports: Callable[[Live], dict[int, WorkerStatus]] = lambda live: {},
    ) -> None:
        self._live, self._events, self._reports = Live(), events, reports

    def live(self) -> Live:
        """Return what is served."""
        return self._live

    def apply(self, live: Live) -> None:
        """Serve this from the next window on."""
        self._live = live

    def holds(self, model: str, version: str) -> bool:
        """Whether a version is loaded: here nothing is."""
        return False

    def restart(self, worker: int) -> None:
        """Do nothing: there is no process."""

    def reports(self) -> dict[int, WorkerStatus]:
        """Return what workers are said to report."""
        return self._reports(self._live)

    def events(self) -> list[ProcessEvent]:
        """Return what is said to have happened."""
        return list(self._events)
