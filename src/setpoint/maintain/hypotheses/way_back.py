"""The version that one would go back to is damaged, or is not what it was: the rehearsal saw it."""

from collections.abc import Sequence

from setpoint.domain.incident import Cause, Incident
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import CERTAIN, Explanation


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain an incident that holds a failed rehearsal; there is no remedy but a person's."""
    seen = [f for f in incident.findings if f.monitor == "rollback" and f.alarm]
    words = tuple(f"{f.since:%Y-%m-%d %H:%M} {f.detail}" for f in seen)
    if not seen:
        return ()
    return (Explanation(cause=Cause.ARTEFACT, subject=incident.subject, support=CERTAIN, evidence=words),)
