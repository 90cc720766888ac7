"""Which stretches of the log may be trusted as normal."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.audited import Audited
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, Remedy, Repair
from setpoint.domain.records import Records, stamp
from setpoint.domain.training_set import LeftOut
from setpoint.maintain.triage import FAIRNESS, SERVICE, WAY_BACK

Span = tuple[datetime, datetime | None]
# rows of an incident without a remedy are kept out of the baseline this long; then they are the new normal
UNEXPLAINED = timedelta(days=7)


def concerns_answers(incident: Incident) -> bool:
    """Whether an incident is about what was asked or answered, and not about processes or parts of the rows."""
    return incident.subject not in (FAIRNESS, WAY_BACK) and not incident.subject.startswith(
        ("worker", "control process")
    )


def touched(incident: Incident) -> Span | None:
    """Return the stretch whose rows an incident makes doubtful, or None if its rows are sound."""
    if not concerns_answers(incident) or incident.subject == SERVICE:  # what was answered is sound
        return None
    repair = incident.repair
    if repair is not None and repair.remedy.is_advice:
        return None
    if repair is not None and repair.applied is not None:
        end = repair.lifted or incident.closed
        return incident.since, end
    end = incident.closed or incident.since + UNEXPLAINED
    return incident.since, min(end, incident.since + UNEXPLAINED)


def doubtful(deployment: Deployment) -> tuple[Span, ...]:
    """Return the stretches whose rows an incident makes doubtful."""
    return tuple(filter(None, map(touched, deployment.incidents)))


def untouched(rows: Records, deployment: Deployment) -> NDArray[np.bool_]:
    """Return a mask of the rows that no incident makes doubtful."""
    keep = np.ones(len(rows), dtype=bool)
    for since, until in doubtful(deployment):
        inside = rows.time >= stamp(since)
        keep &= ~(inside if until is None else inside & (rows.time < stamp(until)))
    return keep


def sound_audits(deployment: Deployment, until: datetime) -> tuple[Audited, ...]:
    """Return the audits made before a time, of rows that no incident makes doubtful."""
    spans = doubtful(deployment)
    return tuple(
        a
        for a in deployment.audits
        if a.at < until and not any(since <= a.until and (end is None or a.since < end) for since, end in spans)
    )


def repaired_spans(deployment: Deployment) -> list[tuple[FeatureMap, datetime, datetime | None]]:
    """Return every data repair with the stretch of its fault: training sets are repaired over it."""
    return [
        (i.repair.map, i.since, i.repair.lifted)
        for i in deployment.incidents
        if i.repair is not None and i.repair.map is not None and i.repair.applied is not None and not i.repair.refuted
    ]


def doubtful_spans(deployment: Deployment, now: datetime) -> tuple[LeftOut, ...]:
    """Return the stretches that no training set may hold: touched by an incident, and not repaired."""
    return tuple(
        LeftOut(since=span[0], until=span[1] or now, why=_why(incident))
        for incident in deployment.incidents
        if _unmended(incident.repair) and (span := touched(incident)) is not None
    )


def _unmended(repair: Repair | None) -> bool:
    if repair is None or repair.refuted or repair.remedy is Remedy.HOLD:  # held: what came out is not sound
        return True
    return repair.map is None and repair.applied is None


def _why(incident: Incident) -> str:
    cause = f"{incident.causes[0].cause} of {incident.causes[0].subject}" if incident.causes else incident.subject
    return f"incident {incident.id}: {cause}"
