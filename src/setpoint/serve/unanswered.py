"""Records of requests that got no answer while versions share them: else one that hangs would show no failure.

A flood of refusals must not fill the disk, and a request that hangs is no business of anybody's but its caller's. So
they are recorded only where a share of the requests is at stake: there both versions are judged by them.
"""

from collections.abc import Iterable

import msgspec

from setpoint.domain.record import OVERDUE_US, InferenceRecord
from setpoint.errors import DeadlineExceeded
from setpoint.serve.work import Work, record_of

OVERLOADED, EXPIRED = 429, 504
OVERLOAD = "overload"  # the violation of a request that was refused, for too many were before it
REFUSALS_PER_S = 50  # recorded by a worker at most, whichever version refuses


class Allowance:
    """So many a second, and no more."""

    __slots__ = ("_most", "_second", "_spent")

    def __init__(self, most: int = REFUSALS_PER_S) -> None:
        self._most, self._second, self._spent = most, 0, 0

    def take(self, now_ns: int) -> bool:
        """Whether one more is allowed."""
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second, self._spent = second, 0
        self._spent += 1
        return self._spent <= self._most


def overdue(works: Iterable[Work], now_ns: int) -> list[InferenceRecord]:
    """Return the records of requests that are not answered in time, each once; whatever answers them comes later."""
    found = []
    for work in works:
        waited_us = (now_ns - work.started_ns) // 1_000
        if waited_us >= OVERDUE_US and not work.overdue:
            work.overdue = True
            record = record_of(work, work.target, {}, waited_us)
            found.append(msgspec.structs.replace(record, status=EXPIRED, violations=[*DeadlineExceeded.violations]))
    return found


def recorded(work: Work, record: InferenceRecord, now_ns: int) -> list[InferenceRecord]:
    """Return what is recorded of a request that has ended: that it took too long, and its answer if it has one."""
    late = overdue([work], now_ns)
    return late if work.overdue and record.status != 200 else [*late, record]
