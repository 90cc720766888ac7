"""What workers would report under faults that a drill plants in words: how long their runs take."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.live import Live, WorkerStatus
from setpoint.domain.records import stamp
from setpoint.domain.workload import Minute
from setpoint.faults.scope import in_time, strength_at
from setpoint.loop.drill.log import USUAL_US

EARLIER = timedelta(hours=2)
RUNS = 10  # of one row, a minute


def reports_of(faults: tuple[Fault, ...]) -> Callable[[Live], dict[int, WorkerStatus]]:
    """Return what one worker reports of whichever models are live: runs take longer under `overload`."""
    slow = [f for f in faults if f.kind is Cause.OVERLOAD and f.until is not None]
    of = cache(lambda at, name, version: _of(slow[at], name, version))

    def reports(live: Live) -> dict[int, WorkerStatus]:
        minutes = [
            m for at in range(len(slow)) for name, served in live.models.items() for m in of(at, name, served.champion)
        ]
        return {0: WorkerStatus(pid=0, load=tuple(minutes), cores=1)} if minutes else {}

    return reports


def _of(fault: Fault, model: str, version: str) -> list[Minute]:
    assert fault.until is not None
    first, last = (int(t.timestamp()) // 60 for t in (fault.since - EARLIER, fault.until))
    at = np.arange(first, last)
    times = at.astype("datetime64[m]").astype("datetime64[us]")
    share = strength_at(fault, times) * in_time(fault, times) * (times >= stamp(fault.since))
    took = RUNS * (USUAL_US / 1e6 + np.clip(share, 0, 1) * fault.delay_s)
    return [
        Minute(at=int(m), model=model, version=version, requests=RUNS, rows=RUNS, runs=RUNS, run_s=float(s))
        for m, s in zip(at, took, strict=True)
    ]
