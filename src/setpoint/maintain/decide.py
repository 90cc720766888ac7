"""Whether a remedy may be applied now: the envelope says."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from setpoint.domain.bounds import breaches, spent
from setpoint.domain.envelope import Change, Envelope, Fact, Kind
from setpoint.domain.incident import Incident, Remedy, Repair
from setpoint.maintain.explanation import SURE_ENOUGH

Decision = Literal["act", "ask", "wait"]


def decide(incident: Incident, envelope: Envelope, before: Sequence[Change], now: datetime) -> tuple[Decision, str]:
    """Return whether to act, to ask a person or to wait, and why; `before` is what was changed until now."""
    if incident.repair is None:
        return "wait", "no cause is proven yet"
    remedy = incident.repair.remedy
    if remedy is Remedy.WAIT:
        return "wait", incident.repair.proof
    change = Change(at=now, kind=Kind(remedy), subject=incident.subject, facts=facts_of(incident.repair))
    found = breaches(envelope, change, before)
    if found:
        return "ask", f"{found[0].words}: `setpoint repair approve {incident.id}`"
    if incident.repair.weight < SURE_ENOUGH:
        why = f"what was tried did not help, and the next cause is {incident.repair.weight:.0%} sure only"
        return "ask", f"{why}: `setpoint repair approve {incident.id}`"
    today = spent(before, now) + 1
    return "act", f"{remedy} is automatic; action {today} of {envelope.max_actions_per_day} today"


def facts_of(repair: Repair) -> dict[str, Fact]:
    """Return what an envelope judges a repair by."""
    return {"workers": float(repair.workers)} if repair.workers else {}
