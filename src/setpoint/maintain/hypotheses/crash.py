"""A worker process died or hung, and its supervisor saw it; or its memory grows until it would."""

from collections.abc import Sequence

from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation

CERTAIN = 30.0


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain an incident that holds a process alarm: the supervisor's word is certain."""
    seen = [f for f in incident.findings if f.monitor == "process" and f.alarm]
    if not seen:
        return ()
    words = tuple(
        f"{f.until:%Y-%m-%d %H:%M:%S} {f.metric} of {incident.subject}: {f.detail}".rstrip(": ") for f in seen
    )
    grows = all(f.metric == "memory" for f in seen)
    proof = "the supervisor restarts a worker that ended; proven when its restart is seen"
    if grows:
        proof = f"{words[-1]}: it finishes what it began, and starts anew; proven when its restart is seen"
    repair = Repair(
        id=incident.named("-restart"),
        remedy=Remedy.RESTART,
        subject=incident.subject,
        worker=int(incident.subject.removeprefix("worker ")) if grows else None,
        proof=proof,
    )
    return (Explanation(cause=Cause.CRASH, subject=incident.subject, support=CERTAIN, evidence=words, repair=repair),)
