"""What became of the repairs of an incident is evidence about its causes: one that did not help met another cause."""

from setpoint.domain.envelope import LOOP
from setpoint.domain.incident import Incident, Remedy, Tried
from setpoint.domain.value import replace
from setpoint.maintain.explanation import Explanation

REFUTED = 3.0  # nats against a cause whose proven remedy did not help: one in twenty is taken back though it was right


def known_of(explanation: Explanation, incident: Incident) -> Explanation:
    """Return an explanation as it stands after what was tried: without a repair that was taken back, and refuted.

    What the rows say for a cause counts no more once its repair did not do what that promised. A repair that a person
    took back refutes nothing, nor does a hold, which ends late where a feed stays broken.
    """
    repair, evidence, support = explanation.repair, explanation.evidence, explanation.support
    tried = [t for t in incident.tried if _is_about(t, explanation)]
    if repair is not None and any(t.repair.key == repair.key for t in incident.tried):
        repair = None
    for t in tried:
        evidence = (*evidence, f"{t.repair.remedy} was tried until {t.at:%Y-%m-%d %H:%M}: {t.why}")
    if any(t.by == LOOP and t.repair.refuted and t.repair.remedy is not Remedy.HOLD for t in tried):
        support = min(support, 0.0) - REFUTED
    return replace(explanation, repair=repair, evidence=evidence, support=support)


def _is_about(tried: Tried, explanation: Explanation) -> bool:
    """Whether a repair was for this cause, or is what this explanation proposes."""
    same = explanation.repair is not None and tried.repair.key == explanation.repair.key
    return same or (tried.repair.cause, tried.repair.subject) == (explanation.cause, explanation.subject)
