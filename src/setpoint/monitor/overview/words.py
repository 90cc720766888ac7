"""Findings and incidents in plain sentences."""

from datetime import datetime

from setpoint.domain.envelope import LOOP
from setpoint.domain.feature_map import DoorKind
from setpoint.domain.finding import Finding
from setpoint.domain.incident import Cause, Hypothesis, Incident, IncidentStatus, Remedy
from setpoint.domain.mending import barred

KINDS = {
    "missing": "is missing",
    "type": "changed type",
    "nulls": "has nulls",
    "frozen": "is frozen",
    "renamed": "has renamed levels",
    "new_level": "holds new levels",
    "vanished_level": "lost levels",
    "swapped": "was exchanged with another column",
    "unit": "changed unit",
    "spike": "has a spike",
    "range": "left its range",
    "steps": "left its steps",
    "scale": "changed its spread",
    "shift": "shifted",
    "frequency": "changed its mix of levels",
    "shape": "changed its shape",
    "prior": "changed its base rate",
    "concept": "relates differently to the outcome",
}
METRICS = {
    "drift_location": "shift",
    "drift_scale": "scale",
    "drift_ks": "shape",
    "drift_tv": "frequency",
    "null_rate": "nulls",
    "out_of_range": "range",
    "unseen_category": "new_level",
    "stuck": "frozen",
    "repeated_value": "frozen",
    "off_grid": "steps",
}
CAUSES = {
    Cause.NULL: "nulls",
    Cause.UNIT: "unit",
    Cause.RENAMED: "renamed",
    Cause.FROZEN: "frozen",
    Cause.SWAPPED: "swapped",
}
WORLD = {
    Cause.CONCEPT: "Inputs relate differently to outcomes",
    Cause.PRIOR: "The base rate changed",
    Cause.COVARIATE: "The inputs moved",
    Cause.SEASON: "A season changed the inputs",
}
SURE = 0.5  # weight from which a cause is named
DONE = {
    Remedy.RESTART: "restarted",
    Remedy.ISOLATE: "the rows that end it are refused",
    Remedy.ROLLBACK: "rolled back",
    Remedy.INVERSE_MAP: "mapped back before the model sees it",
    Remedy.MAP_LEVELS: "read by its old names before the model sees it",
    Remedy.SWAP_BACK: "swapped back before the model sees it",
    Remedy.IMPUTE: "imputed before the model sees it",
    Remedy.IGNORE: "missing for the model",
    Remedy.FALLBACK: "an earlier version answers these rows",
    Remedy.THROTTLE: "the caller is held to fewer requests",
    Remedy.WORKERS: "more workers answer",
    Remedy.RETRAIN: "the remedy is to retrain",
    Remedy.RECALIBRATE: "the remedy is to recalibrate",
    Remedy.HOLD: "nothing learns from outcomes until they can be trusted again",
    Remedy.PROMOTE: "a candidate is promoted",
    Remedy.WAIT: "nothing needs to be done",
}


def kind_of(finding: Finding) -> str:
    """Return the name of the change that a finding is about; empty where it names none."""
    known = finding.kind if finding.kind in KINDS else ""
    return known or METRICS.get(finding.metric.removesuffix("_slow"), "")


def moment(when: datetime) -> str:
    """Write a time to the minute."""
    return f"{when:%Y-%m-%d %H:%M}"


def changed(column: str, kind: str, since: datetime | None, detail: str) -> str:
    """Say what became of a column."""
    dated = f" on {moment(since)}" if since and kind == "unit" else f" since {moment(since)}" if since else ""
    more = f" ({detail})" if kind == "unit" and detail else f": {detail}" if detail else ""
    if kind == "swapped" and ", " in column:
        return f"{' and '.join(column.split(', '))} were exchanged{dated}{more}"
    return f"{column} {KINDS.get(kind, 'changed')}{dated}{more}"


def likely(incident: Incident) -> Hypothesis | None:
    """Return the cause that an incident most likely has, if one is."""
    first = incident.causes[0] if incident.causes else None
    return first if first and first.cause is not Cause.UNKNOWN and first.weight >= SURE else None


def conversion(incident: Incident) -> str:
    """Return what was done to a number, as `×1.8 + 32`; empty where an incident is about no unit, or nobody knows."""
    found = incident.repair.map if incident.repair else None
    if found is None or found.kind is not DoorKind.INVERSE_MAP or not found.scale:
        return ""
    factor, offset = 1 / found.scale, -found.offset / found.scale  # the map is what brings it back
    parts = [f"×{factor:.4g}" if abs(factor - 1) > 1e-9 else "", f"{'+' if offset > 0 else '−'} {abs(offset):.4g}"]
    return " ".join(part for part in (parts if abs(offset) > 1e-9 else parts[:1]) if part)


def of_incident(incident: Incident) -> str:
    """Say what is wrong, since when, and what was done about it."""
    return f"{_what(incident)}; {_stand(incident)}"


def _what(incident: Incident) -> str:
    cause, since = likely(incident), incident.began_by
    if cause is not None and cause.cause in CAUSES:
        kind = CAUSES[cause.cause]
        return changed(cause.subject, kind, since, conversion(incident) if kind == "unit" else "")
    if cause is not None and cause.cause in WORLD:
        return f"{WORLD[cause.cause]} since {moment(since)}"
    if cause is not None:
        return f"{incident.subject} since {moment(since)}: likely {cause.cause} of {cause.subject}"
    columns = list(dict.fromkeys(f.column for f in incident.findings if f.alarm and f.column))
    alone = f"{incident.subject} is off" if incident.subject not in columns else f"{incident.subject} changed"
    return f"{alone} since {moment(since)}; no known cause explains it"


def _stand(incident: Incident) -> str:
    repair, status = incident.repair, incident.status
    done = DONE.get(repair.remedy, str(repair.remedy)) if repair else ""
    if status is IncidentStatus.CLOSED:
        return f"over since {moment(incident.closed)}" if incident.closed else "over"
    if repair is None:
        return "no remedy is proven, it needs somebody"
    if status is IncidentStatus.WAITING:
        return f"a remedy waits for your approval: {str(repair.remedy).replace('_', ' ')}"
    if repair.applied is not None and repair.lifted is None:
        held = ", recovered" if status is IncidentStatus.HELD else ""
        return f"{done} since {moment(repair.applied)}{held}"
    name = str(repair.remedy).replace("_", " ")
    if incident.refusal is not None:
        return f"{name} was refused by {incident.refusal.by}, it needs somebody"
    if repair.remedy.is_advice:
        return done
    if barred(incident, repair):
        return f"{name} was {taken_back_words(incident) or 'tried and taken back'}, it needs somebody"
    return f"{name} waits for {incident.handled_by}" if incident.handled_by else f"{name} is next"


def taken_back_words(incident: Incident) -> str:
    """Say that the repair was taken back, and by whom if that was a person; empty where it was not."""
    repair = incident.repair
    last = next((t for t in reversed(incident.tried) if repair is not None and t.repair.key == repair.key), None)
    if last is None or (repair is not None and repair.in_force):
        return ""
    return "taken back" if last.by == LOOP else f"taken back by {last.by}"
