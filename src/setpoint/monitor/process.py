"""Processes of the data plane: every crash, hang and restart is a finding, and each end of a model's own process."""

from collections.abc import Iterator

from setpoint.domain.finding import Finding
from setpoint.domain.record import MODEL_ENDED
from setpoint.monitor.seen import Seen

ALARMING = ("crash", "hang")


def process(seen: Seen) -> Iterator[Finding]:
    """Report each new event, a crash or a hang as an alarm; the worker stands in the detail."""
    for event in seen.events:
        who = f"worker {event.worker}" if event.worker >= 0 else "control process"
        yield Finding(
            monitor="process",
            metric=event.kind,
            since=event.at,
            until=event.at,
            rows=0,
            value=1.0,
            limit=0.0,
            alarm=event.kind in ALARMING,
            detail=f"{who}: {event.detail}" if event.detail else who,
        )
    if ends := seen.refused.get(MODEL_ENDED, 0):
        many = "requests" if ends > 1 else "request"
        yield Finding(
            monitor="process",
            metric="ended",
            since=seen.started,
            until=seen.now,
            rows=ends,
            value=float(ends),
            limit=0.0,
            alarm=True,
            detail=f"model process: {ends:,} {many} ended it, or made it hang; it was started again",
        )
