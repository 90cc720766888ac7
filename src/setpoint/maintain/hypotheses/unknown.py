"""None of the causes known here: what every other hypothesis has to beat."""

from collections.abc import Sequence

from setpoint.domain.incident import Cause, Incident
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Stand at support 0."""
    return (Explanation(cause=Cause.UNKNOWN, subject=incident.subject, support=0.0, evidence=()),)
