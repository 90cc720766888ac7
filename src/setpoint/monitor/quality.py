"""Realised quality: each objective over its window, and a fast step in the loss of the newest labelled rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from setpoint.config.metrics import is_quality, known, span
from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, moment
from setpoint.monitor.loss_step import loss_step
from setpoint.monitor.seen import Seen
from setpoint.stats.quality import Measured, Terms, distance, measure_any, undefined

FEWEST_ROWS = 24
SHARES = 3  # of the budget where there are segments: the objectives, their segments, the gaps between segments
NOT_MEASURED = "not_measured"


def quality(seen: Seen) -> Iterator[Finding]:
    """Report each quality objective with its interval, and a sudden step in the loss."""
    goals = [o for o in seen.objectives if is_quality(o.metric)]
    for objective in goals:
        yield from _objective(seen, objective, len(goals))
    yield from loss_step(seen)


def in_window(seen: Seen, objective: Objective) -> Records:
    """Return the rows an objective is measured on."""
    return measurable(seen.labelled, objective, seen.now)


def measurable(labelled: Records, objective: Objective, now: datetime) -> Records:
    """Return the labelled rows of an objective's window that can be measured."""
    return numbers(labelled.between(now - timedelta(seconds=objective.window_s), None))


def numbers(labelled: Records) -> Records:
    """Return the labelled rows whose outcome and score are finite numbers."""
    known = np.isfinite(labelled.score.astype(np.float64)) & np.isfinite(labelled.outcome.astype(np.float64))
    return labelled.take(known)


def measured(seen: Seen, objective: Objective, rows: Records) -> Measured:
    """Measure a quality objective on rows, as it is bounded: a metric that should be near a value as its distance."""
    if objective.function is not None:
        return seen.own.get(objective, undefined(len(rows), "it has not been measured yet"))
    return measured_rows(objective, rows, seen.threshold)


def measured_rows(objective: Objective, rows: Records, threshold: float) -> Measured:
    """Measure an objective's metric on rows that have an outcome and a score, as it is bounded."""
    y, score = rows.outcome.astype(np.float64), rows.score.astype(np.float64)
    found = measure_any(objective.metric, y, score, rows.classes, terms(objective, threshold))
    return distance(objective.metric, found)


def terms(objective: Objective, threshold: float) -> Terms:
    """Return what a metric needs to know, from its objective and the version's decision threshold."""
    plain, gain = Terms(), objective.gain
    return Terms(
        threshold=threshold,
        top=plain.top if objective.top is None else objective.top,
        quantile=plain.quantile if objective.quantile is None else objective.quantile,
        season=plain.season if objective.season is None else objective.season,
        gain=plain.gain if gain is None else (gain.tp, gain.fp, gain.fn, gain.tn),
    )


def _objective(seen: Seen, objective: Objective, goals: int) -> Iterator[Finding]:
    """Alarm when the whole interval lies on the wrong side of the target."""
    rows = in_window(seen, objective)
    if not len(rows):
        return
    found = measured(seen, objective, rows)
    if not found.known:
        yield _not_measured(objective, rows, found.why)
    elif len(rows) >= FEWEST_ROWS:
        tests = 2 * goals * (SHARES if seen.segments else 1)
        yield judged(seen, objective, rows, found, alpha_of(seen, objective, tests))


def alpha_of(seen: Seen, objective: Objective, tests: int) -> float:
    """Return the level of one of the tests over an objective's window."""
    return seen.level(tests, seen.separate(timedelta(seconds=objective.window_s)))


def judged(seen: Seen, objective: Objective, rows: Records, found: Measured, alpha: float) -> Finding:
    """Return what an objective's metric says on rows, as an alarm when its interval lies beyond the target."""
    low, high = found.bounds(alpha)
    least, most = (0.0, np.inf) if known(objective.metric).better == "near" else span(objective.metric)
    near = high if objective.higher_is_better else low
    return Finding(
        monitor="quality",
        metric=objective.metric,
        since=moment(rows.time[0]),
        until=moment(rows.time[-1]),
        rows=len(rows),
        value=found.value,
        limit=objective.target,
        alarm=bool(np.isfinite(near)) and not objective.met_by(near),
        low=max(low, least) if np.isfinite(low) else None,
        high=min(high, most) if np.isfinite(high) else None,
        detail=f"{objective.name} {found.value:.4g}, set point {bound_in_words(objective)}",
    )


def bound_in_words(objective: Objective) -> str:
    """Write the bound: `at least 0.8`."""
    return f"{'at least' if objective.higher_is_better else 'at most'} {objective.target:.6g}"


def _not_measured(objective: Objective, rows: Records, why: str) -> Finding:
    """Return a note that an objective has no value: one objective, where none should be."""
    return Finding(
        monitor="objective",
        metric=NOT_MEASURED,
        since=moment(rows.time[0]),
        until=moment(rows.time[-1]),
        rows=len(rows),
        value=1.0,
        limit=0.0,
        alarm=False,
        detail=f"{objective.name} has no value: {why}",
    )
