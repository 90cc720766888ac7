"""Training/serving skew: what was recorded is not what the source of the inputs says of the same records."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.maintain.case import Case, Score
from setpoint.maintain.drift import alarms
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.marks import divergence
from setpoint.maintain.remedies import sourced_repair

CERTAIN = 40.0  # nats: what the source says outweighs what values look like
MENDABLE = 6.0  # where one of the faults of a column makes just these differences, that one has a remedy
MONITOR = "audit"


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain by the columns of which more audited values differ from their source than did before."""
    newest = {f.column: f for f in alarms(incident, MONITOR) if f.column}
    if not newest:
        return ()
    plain = [f for f in newest.values() if not f.kind]
    found = sorted(plain or newest.values(), key=lambda f: (-support(f), str(f.column)))
    subject = ", ".join(str(f.column) for f in found)
    words = tuple(said(f) for f in found)
    mended, why = (None, "") if len(found) > 1 or case.unreadable else sourced_repair(incident, case, subject, score)
    held = Repair(id=incident.named("-hold"), remedy=Remedy.HOLD, subject=subject, proof="; ".join(words))
    words = (*words, *filter(None, (mended.proof if mended is not None else "", why)))
    repair = mended or held
    return (Explanation(cause=Cause.SKEW, subject=subject, support=support(found[0]), evidence=words, repair=repair),)


def support(finding: Finding) -> float:
    """Return how much likelier another share than the allowed one makes the differences, capped."""
    gain = finding.rows * float(divergence(np.array([finding.value]), finding.limit)[0])
    return min(gain, MENDABLE if finding.kind else CERTAIN)


def said(finding: Finding) -> str:
    """Return what was found in one column, in words."""
    form = f", each as {finding.kind} would make it" if finding.kind else ""
    ids = f" (records {', '.join(finding.examples)})" if finding.examples else ""
    return f"{finding.column} since {finding.since:%Y-%m-%d %H:%M}: {finding.detail}{form}{ids}"
