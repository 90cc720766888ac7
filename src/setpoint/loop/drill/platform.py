"""A platform without processes, to which things happen as planted."""

from datetime import datetime, timedelta

from setpoint.domain.fault import IN_PROCESSES, Fault
from setpoint.domain.live import Live
from setpoint.domain.record import ProcessEvent

TIMES = 6  # that a worker falls over, some hours apart
APART = timedelta(hours=5)


class FaultyPlatform:
    """Serves recorded traffic: holds what is live; what happens to its processes is planted."""

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
        """Return what is planted."""
        return list(self._events)


def events_of(faults: tuple[Fault, ...]) -> tuple[ProcessEvent, ...]:
    """Return what a supervisor would tell of crashes and hangs."""
    return tuple(
        _event(fault, fault.since + timedelta(hours=1) + i * APART, i)
        for fault in faults
        if fault.kind in IN_PROCESSES and fault.strength
        for i in range(TIMES)
    )


def _event(fault: Fault, at: datetime, number: int) -> ProcessEvent:
    kind = "hang" if fault.way == "hang" else "crash"
    detail = "no heartbeat for 10 s" if kind == "hang" else "exit code -9"
    return ProcessEvent(id=f"drill-{number}", at=at, kind=kind, worker=0, detail=detail)
