"""Whether more workers helped, and whether they are still needed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from setpoint.domain.incident import Repair
from setpoint.domain.live import WorkerStatus
from setpoint.domain.workload import load_of

SETTLED = timedelta(minutes=1)  # until new workers take their part
FEWEST = 2  # whole minutes since
PATIENCE = timedelta(minutes=10)
REFUSED = 0.01
CALM, CALM_FOR = 0.5, timedelta(minutes=15)  # busy as the workers before would be, and for how long


def relieved(repair: Repair, reports: Mapping[int, WorkerStatus], model: str, now: datetime) -> tuple[bool | None, str]:
    """Judge more workers: True, nothing is turned away, or after ten minutes less than half of before; else False."""
    assert repair.applied is not None
    minutes = [m for report in reports.values() for m in report.load]
    since = load_of(minutes, model, repair.applied + SETTLED, now)
    words = (
        f"{len(reports)} workers: {since.refused:.1%} turned away, a request waited {since.queue_ms:.3g} ms, a run "
        f"took {since.run_ms:.3g} ms"
    )
    if len(reports) >= repair.workers and since.minutes >= FEWEST and since.refused <= REFUSED:
        return True, words
    if now - repair.applied < PATIENCE:
        return None, words
    before = load_of(minutes, model, repair.applied - PATIENCE, repair.applied)
    less = len(reports) >= repair.workers and since.refused < before.refused / 2
    return less, f"{words}; {before.refused:.1%} were turned away before"


def calm_again(repair: Repair, reports: Mapping[int, WorkerStatus], model: str, now: datetime) -> tuple[bool, str]:
    """Return whether as many workers as before would have been idle for half of the last quarter of an hour."""
    assert repair.applied is not None
    if now - repair.applied < CALM_FOR:
        return False, ""
    minutes = [m for report in reports.values() for m in report.load]
    recent = load_of(minutes, model, now - CALM_FOR, now)
    share = recent.run_s / (CALM_FOR.total_seconds() * max(repair.workers_before, 1))
    words = f"{repair.workers_before} workers would have been busy for {share:.0%} of the last 15 min"
    return share <= CALM and recent.refused <= REFUSED, words
