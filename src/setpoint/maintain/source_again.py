"""When the source of a column that is held for is asked again whether something brings answers nearer to its own."""

from datetime import datetime

from setpoint.domain.incident import Cause, Incident, Remedy

MORE = 1.25  # times the rows that there were the last time; each time has half of the error of the time before


def last_asked(incident: Incident) -> datetime:
    """Return when the source was asked last for what brings a column back."""
    return max((*incident.asked_again, incident.investigated or incident.since))


def asks_again(incident: Incident, now: datetime) -> bool:
    """Whether a skew is only held for, and there is more to ask about than there was the last time."""
    repair = incident.repair
    if repair is None or not repair.in_force or (repair.remedy, repair.cause) != (Remedy.HOLD, Cause.SKEW):
        return False
    last = last_asked(incident)
    return ", " not in repair.subject and now > last and now - incident.since >= MORE * (last - incident.since)
