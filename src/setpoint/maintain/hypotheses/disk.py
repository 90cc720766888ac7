"""The disk is full, or does not take what is written: the workers and their disk say so."""

from collections.abc import Sequence

from setpoint.domain.incident import Cause, Incident
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import CERTAIN, Explanation
from setpoint.maintain.waiting import wait

TO_DO = (
    "answers go on; records that are held are written by themselves when the disk takes them, and are lost if their "
    "worker ends before. Free the disk: `setpoint versions prune` removes old versions, `records: {keep: …}` old "
    "records; or move SETPOINT_HOME to a larger one"
)


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain an incident by what could not be written; there is no remedy but a person's."""
    seen = [f for f in incident.findings if f.monitor == "disk" and f.alarm]
    if not seen:
        return ()
    words = (*dict.fromkeys(f.detail for f in seen), TO_DO)
    subject = ", ".join(dict.fromkeys(f.segment or "disk" for f in seen))
    repair = wait(incident, TO_DO)
    return (Explanation(cause=Cause.DISK, subject=subject, support=CERTAIN, evidence=words, repair=repair),)
