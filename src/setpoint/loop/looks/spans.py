"""Which stretches of the log may be trusted as normal."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.audited import Audited
from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Incident, Remedy, Repair
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.repaired import repaired_where
from setpoint.domain.training_set import LeftOut
from setpoint.maintain.explanation import SURE_ENOUGH, odds
from setpoint.maintain.triage import DISK, FAIRNESS, SERVICE, WAY_BACK
from setpoint.maintain.trust import OUTCOMES
from setpoint.update.sets.fill import repaired_inputs
from setpoint.update.when import SPOILS

Span = tuple[datetime, datetime | None]
# rows of an incident without a remedy are kept out of the baseline this long; then they are the new normal
UNEXPLAINED = timedelta(days=7)


def concerns_answers(incident: Incident) -> bool:
    """Whether an incident is about what was asked or answered, and not about processes or parts of the rows."""
    return incident.subject not in (DISK, FAIRNESS, WAY_BACK) and not incident.subject.startswith(
        ("worker", "control process", "caller ")
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


def spoiled(incident: Incident) -> Span | None:
    """Return the stretch whose rows may teach nothing: of a named fault all the time it lasts, also past a week."""
    span, repair = touched(incident), incident.repair
    if span is None or not _is_named(incident) or (repair is not None and repair.applied is not None):
        return span
    return span[0], incident.closed


def doubtful(deployment: Deployment) -> tuple[Span, ...]:
    """Return the stretches whose rows an incident makes doubtful, all columns of them."""
    spans = ((i, touched(i)) for i in deployment.incidents if not _holds(i))
    return tuple((span[0], _until_repaired(i, span[1])) for i, span in spans if span is not None)


def sent_otherwise(deployment: Deployment) -> tuple[tuple[str, Span], ...]:
    """Return the columns that are sent otherwise than usual under a proven repair, each with the stretch."""
    return tuple(
        (column, span)
        for i in deployment.incidents
        if _is_proven(i) and i.repair and i.repair.map and (span := touched(i)) is not None
        for column in i.repair.map.changes
    )


def _until_repaired(incident: Incident, end: datetime | None) -> datetime | None:
    return incident.repair.applied if incident.repair is not None and _is_proven(incident) else end


def untouched(rows: Records, deployment: Deployment) -> NDArray[np.bool_]:
    """Return a mask of the rows that no incident makes doubtful."""
    return _sound(rows, deployment.incidents)


def natural(rows: Records, deployment: Deployment) -> Records:
    """Return the rows that tell what is usual, with inputs as they would have come without a fault.

    Rows that were answered under a repair which was proven to help are among them: as the model saw them, but that what
    stands in the place of a value is missing. So monitors see on while a fault lasts. Of rows whose outcomes are held,
    the inputs are usual, and the outcomes unknown.
    """
    held = [i for i in deployment.incidents if _holds(i)]
    kept = _unlabelled(rows.take(_sound(rows, [i for i in deployment.incidents if not _holds(i)])), held)
    named = [(_plain(m), mask) for m in _proven(deployment) if (mask := _under(kept, m)).any()]
    if not named:
        return kept
    mended = np.logical_or.reduce([mask for _, mask in named])
    inputs = repaired_where(kept.inputs, named)
    return replace(kept, inputs=inputs, maps=np.where(mended, "", kept.maps).astype(object))


def _sound(
    rows: Records, incidents: Iterable[Incident], span_of: Callable[[Incident], Span | None] = touched
) -> NDArray[np.bool_]:
    keep = np.ones(len(rows), dtype=bool)
    for incident in incidents:
        if (span := span_of(incident)) is None:
            continue
        mended = _under(rows, incident.repair.map) if _is_proven(incident) and incident.repair else None
        inside = _inside(rows.time, span)
        keep &= ~inside if mended is None else ~inside | mended
    return keep


def sound_audits(deployment: Deployment, until: datetime) -> tuple[Audited, ...]:
    """Return the audits made by a time, of rows that no incident makes doubtful."""
    spans = doubtful(deployment)
    return tuple(
        a
        for a in deployment.audits
        if a.at <= until and not any(since <= a.until and (end is None or a.since < end) for since, end in spans)
    )


def _inside(time: Column, span: Span) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = time >= stamp(span[0])
    return inside if span[1] is None else inside & (time < stamp(span[1]))


def _unlabelled(rows: Records, held: Iterable[Incident]) -> Records:
    """Return the rows without the outcomes that were held, by request or by arrival."""
    doubtful = np.zeros(len(rows), dtype=bool)
    for incident in held:
        if (span := touched(incident)) is not None:
            doubtful |= _inside(rows.time, span) | _inside(rows.known, span)
    if not doubtful.any():
        return rows
    known = np.where(doubtful, np.datetime64("NaT", "us"), rows.known)
    return replace(rows, outcome=np.where(doubtful, np.nan, rows.outcome), known=known)


def _holds(incident: Incident) -> bool:
    """Whether it is outcomes that are held for an incident: its inputs are sound."""
    repair = incident.repair
    return repair is not None and repair.remedy is Remedy.HOLD and repair.subject == OUTCOMES


def _is_proven(incident: Incident) -> bool:
    repair = incident.repair
    return repair is not None and repair.map is not None and repair.recovered is not None and not repair.refuted


def _proven(deployment: Deployment) -> list[FeatureMap]:
    return [i.repair.map for i in deployment.incidents if _is_proven(i) and i.repair and i.repair.map]


def _under(rows: Records, repair: FeatureMap | None) -> NDArray[np.bool_]:
    """Return which rows were answered under a repair."""
    if repair is None:
        return np.zeros(len(rows), dtype=bool)
    texts, codes = np.unique(rows.maps.astype(str), return_inverse=True)
    under: NDArray[np.bool_] = np.array([repair.id in text.split() for text in texts.tolist()], bool)[codes]
    return under


def _plain(repair: FeatureMap) -> FeatureMap:
    """Return a repair that puts nothing in the place of a value: what does not come is not known."""
    instead = repair.instead
    return repair if instead is None else replace(repair, instead=replace(instead, peers=(), constant=None))


def repaired_spans(deployment: Deployment) -> list[tuple[FeatureMap, datetime, datetime | None]]:
    """Return every data repair with the stretch of its fault: training sets are repaired over it."""
    return [
        (i.repair.map, i.since, i.repair.lifted)
        for i in deployment.incidents
        if i.repair is not None and i.repair.map is not None and i.repair.applied is not None and not i.repair.refuted
    ]


def otherwise_mended(rows: Records, deployment: Deployment, repair: FeatureMap) -> Records:
    """Return rows as they would have been sent if a repair's columns were the only broken ones."""
    others = [span for span in repaired_spans(deployment) if span[0].id != repair.id]
    return replace(rows, inputs=repaired_inputs(rows, others)) if others else rows


def doubtful_spans(deployment: Deployment, now: datetime) -> tuple[LeftOut, ...]:
    """Return the stretches that no training set may hold: touched by an incident, and not repaired."""
    return tuple(
        LeftOut(since=span[0], until=span[1] or now, why=_why(incident), arrivals=_holds(incident))
        for incident in deployment.incidents
        if _unmended(incident.repair) and (span := spoiled(incident)) is not None
    )


def as_answered(rows: Records, deployment: Deployment) -> Records:
    """Return the rows whose answers and outcomes tell of the model: no named fault spoiled them.

    A fault of the inputs, of a release or of the feed says nothing of what a training would win. While it lasts, rows
    under a proven repair are how things are; when it is over, they are how things were.
    """
    named = [i for i in deployment.incidents if _is_named(i)]
    keep = _sound(rows, [i for i in named if i.live and not _holds(i)], spoiled)
    for incident in named:
        if (span := spoiled(incident)) is not None and (_holds(incident) or not incident.live):
            keep &= ~_inside(rows.time, span) & ~(_inside(rows.known, span) & _holds(incident))
    return rows.take(keep)


def as_repaired(rows: Records, deployment: Deployment) -> Records:
    """Return the rows that versions can be compared on by answering them anew: none that a named fault spoiled.

    Where a repair says what should have been sent, they can be repaired.
    """
    spans = ((i, spoiled(i)) for i in deployment.incidents if _is_named(i) and _unmended(i.repair))
    lost = np.zeros(len(rows), bool)
    for incident, span in spans:
        if span is not None:
            lost |= _inside(rows.time, span) | (_inside(rows.known, span) & _holds(incident))
    return rows.take(~lost)


def sees_spoiled(finding: Finding, deployment: Deployment) -> bool:
    """Whether a finding looks at rows that a named fault spoiled; while it lasts, a proven repair keeps them sound."""
    named = ((i, spoiled(i)) for i in deployment.incidents if _is_named(i))
    spans = ((s[0], _until_repaired(i, s[1]) if i.live else s[1]) for i, s in named if s is not None)
    return any(since < finding.until and (end is None or finding.since < end) for since, end in spans)


def _is_named(incident: Incident) -> bool:
    cause = next(iter(incident.causes), None)
    return cause is not None and cause.cause in SPOILS and odds(incident.causes, cause) >= SURE_ENOUGH


def _unmended(repair: Repair | None) -> bool:
    if repair is None or repair.refuted or repair.remedy is Remedy.HOLD:  # held: what came out is not sound
        return True
    return repair.applied is None


def _why(incident: Incident) -> str:
    cause = f"{incident.causes[0].cause} of {incident.causes[0].subject}" if incident.causes else incident.subject
    return f"incident {incident.id}: {cause}"
