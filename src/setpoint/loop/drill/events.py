"""What a supervisor would tell of faults of processes, which a drill only plants in words."""

from datetime import datetime, timedelta

from setpoint.domain.fault import IN_PROCESSES, Fault
from setpoint.domain.record import ProcessEvent

TIMES = 6  # that a worker falls over, some hours apart
APART = timedelta(hours=5)


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
