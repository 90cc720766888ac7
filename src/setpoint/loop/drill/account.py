"""What a ride under a fault came to, beside the same ride without it."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.drill import Drilled
from setpoint.domain.fault import Fault
from setpoint.domain.fleet import Deployment
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.records import Column, Columns, stamp
from setpoint.domain.schema import Schema
from setpoint.faults import Planted, Traffic
from setpoint.loop.drill.log import FaultyLog
from setpoint.loop.drill.ride import Window
from setpoint.loop.drill.shadow import Course
from setpoint.stats.losses import losses

CHANGED = (Cause.PRIOR, Cause.COVARIATE, Cause.SEASON, Cause.CONCEPT)  # the rows are others, and the model is right
DOING = ("mend", "ask", "fit", "promote", "undo", "lift", "training failed")
Marks = set[tuple[str, ...]]


def drilled(
    fault: Fault,
    course: Course,
    windows: Sequence[Window],
    stood: Sequence[Deployment],
    quiet: Sequence[Deployment],
    losses_: tuple[float | None, float | None, float | None],
    time: Column,
    outcomes: int,
) -> Drilled:
    """Return what came of one fault.

    Parameters
    ----------
    windows, stood, quiet
        The looks from the fault's start on, and how the deployment stood after each, with and without the fault.
    losses_ : tuple
        Mean losses under the fault: without it, with it and nobody acting, with it and the loop acting.
    time : ndarray of shape (n,)
        Event times of the traffic.
    outcomes : int
        See `outcomes_known`.
    """
    at = next((i for i, now in enumerate(stood) if _marks(now) - _marks(quiet[min(i, len(quiet) - 1)])), None)
    new = _new(stood, quiet)
    incident = _told(new, fault)
    until = None if at is None else stamp(windows[at][0])
    repair = incident.repair if incident else None
    return Drilled(
        fault=fault,
        rows=int(((time >= course.begins) & (time < course.ends)).sum()),
        clean=losses_[0],
        harmed=losses_[1],
        realised=losses_[2],
        outcomes=outcomes,
        found_rows=None if until is None else int(((time >= course.begins) & (time < until)).sum()),
        after_s=None if until is None else float((until - course.begins) / np.timedelta64(1, "s")),
        causes=tuple((str(c.cause), c.subject, round(c.weight, 3)) for c in (incident.causes[:3] if incident else ())),
        remedy=str(repair.remedy) if repair else "",
        applied=repair is not None and repair.applied is not None,
        acts=_acts(stood[-1], quiet[-1]),
    )


def outcomes_known(clean: Traffic, course: Course) -> int:
    """Return how many rows of the time under a fault have an outcome that is known before the drill ends."""
    under = (clean.time >= course.begins) & (clean.time < course.ends)
    return int((under & np.isfinite(clean.outcome) & (clean.known <= course.until)).sum())


def _marks(deployment: Deployment) -> Marks:
    """Return all that incidents tell."""
    return {
        (i.subject, f.monitor, f.metric, f.column or "", f.segment or "")
        for i in deployment.incidents
        for f in i.findings
        if f.alarm
    }


def _new(stood: Sequence[Deployment], quiet: Sequence[Deployment]) -> list[Incident]:
    """Return the incidents that there would not have been without the fault, or that tell more under it."""
    known = {i.id: i for i in quiet[-1].incidents}
    return [i for i in stood[-1].incidents if i.id not in known or _told_of(i) - _told_of(known[i.id])]


def _told_of(incident: Incident) -> Marks:
    return {(f.monitor, f.metric, f.column or "") for f in incident.findings if f.alarm}


def _told(incidents: Sequence[Incident], fault: Fault) -> Incident | None:
    """Return the incident that was acted on, else the one that is about what was planted, else the first."""
    acted = [i for i in incidents if i.repair is not None and i.repair.applied is not None]
    about = [i for i in incidents if i.subject in fault.columns]
    found = [*acted, *about, *incidents]
    return found[0] if found else None


def _acts(now: Deployment, quiet: Deployment) -> tuple[str, ...]:
    usual = {(d.at, d.action, d.subject) for d in quiet.decisions}
    return tuple(
        f"{d.at:%Y-%m-%d %H:%M} {d.action} {d.subject}: {d.why}"
        for d in now.decisions
        if d.action in DOING and (d.at, d.action, d.subject) not in usual
    )


def losses_of(
    fault: Fault,
    planted: Planted,
    clean: Traffic,
    schema: Schema,
    course: Course,
    log: FaultyLog,
    asked: tuple[Columns, Columns],
) -> tuple[float | None, float | None, float | None]:
    """Return the mean losses under a fault: without it, with it and nobody acting, with it and the loop acting.

    Parameters
    ----------
    asked : tuple of Columns
        What the champion answers to the clean rows, and what answers to the planted ones under the fault.
    """
    t = planted.traffic
    within = np.isfinite(planted.truth) & (t.time >= course.begins) & (t.time < course.ends)
    before = np.isfinite(clean.outcome) & (clean.time >= course.begins) & (clean.time < course.ends)
    if not within.any() or not before.any():
        return None, None, None
    said = np.array([_number(log.answers.get(i)) for i in t.id.tolist()])
    best, left = (np.asarray(a[schema.score], np.float64) for a in asked)
    same = fault.kind in CHANGED and fault.kind is not Cause.CONCEPT  # what answers is right about these rows
    return (
        _mean(left, planted.truth, within, schema) if same else _mean(best, clean.outcome, before, schema),
        _mean(left, planted.truth, within, schema),
        _mean(said, planted.truth, within, schema),
    )


def _mean(score: Column, truth: Column, rows: Column, schema: Schema) -> float:
    """Return the mean loss; a row without an answer loses as much as the worst one that has one."""
    found = losses(schema.task, score[rows], truth[rows])
    worst = np.nanmax(found) if np.isfinite(found).any() else 0.0
    return float(np.where(np.isnan(found), worst, found).mean())


def _number(said: object) -> float:
    return float(said) if isinstance(said, int | float) else np.nan
