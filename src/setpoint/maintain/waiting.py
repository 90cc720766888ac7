"""The remedy that changes nothing, and says why."""

from setpoint.domain.incident import Incident, Remedy, Repair


def wait(incident: Incident, why: str) -> Repair:
    """Return the decision to wait, with its reason."""
    return Repair(id=incident.named("-wait"), remedy=Remedy.WAIT, subject=incident.subject, proof=why)
