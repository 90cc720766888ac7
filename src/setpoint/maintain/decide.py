"""Whether a remedy may be applied now: the envelope says."""

from typing import Literal

from setpoint.domain.fleet import Envelope
from setpoint.domain.incident import Incident, Remedy

Decision = Literal["act", "ask", "wait"]


def decide(incident: Incident, envelope: Envelope, actions_today: int) -> tuple[Decision, str]:
    """Return whether to act, to ask a person or to wait, and why.

    `actions_today` is the number of automatic actions already taken on this day of the event clock.
    """
    if incident.repair is None:
        return "wait", "no cause is proven yet"
    remedy = incident.repair.remedy
    if remedy is Remedy.WAIT:
        return "wait", incident.repair.proof
    if remedy not in envelope.automatic or remedy in envelope.ask:
        listed = "listed under ask" if remedy in envelope.ask else "not in the envelope"
        return "ask", f"{remedy} is {listed}: `setpoint repair approve {incident.id}`"
    if actions_today >= envelope.max_actions_per_day:
        return "ask", (
            f"{actions_today} of {envelope.max_actions_per_day} actions are spent today: "
            f"`setpoint repair approve {incident.id}`"
        )
    return "act", f"{remedy} is automatic; action {actions_today + 1} of {envelope.max_actions_per_day} today"
