"""Realised quality: each objective over its window, and a fast step in the loss of the newest labelled rows."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.config.metrics import is_quality, known, span
from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.schema import Schema, Task
from setpoint.monitor.seen import SMALLEST_LOOK, STEPS, Seen
from setpoint.stats.blocks import MOST, block_rows, step
from setpoint.stats.intervals import t_quantile
from setpoint.stats.losses import ABSOLUTE, ERROR_RATE, LOG_LOSS, class_losses, loss_name
from setpoint.stats.quality import Measured, Terms, distance, measure_any, row_log_loss, undefined

FEWEST_ROWS = 24
SHARES = 3  # of the budget where there are segments: the objectives, their segments, the gaps between segments
NOT_MEASURED = "not_measured"
STEP = {ABSOLUTE: "mae_step", LOG_LOSS: "log_loss_step", ERROR_RATE: "error_rate_step"}
STEP_FLOOR = float(np.log(1.25))
RELEASES_PER_YEAR = 50.0  # a step right after a release needs less proof: there are far fewer releases than looks

FloatArray = NDArray[np.float64]


def quality(seen: Seen) -> Iterator[Finding]:
    """Report each quality objective with its interval, and a sudden step in the loss."""
    goals = [o for o in seen.objectives if is_quality(o.metric)]
    for objective in goals:
        yield from _objective(seen, objective, len(goals))
    yield from _step(seen)


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


def _step(seen: Seen) -> Iterator[Finding]:
    """Compare the loss of the newest labelled rows with blocks of as many rows before: a log ratio of mean losses."""
    fresh = int((seen.labelled.known >= stamp(seen.started)).sum()) if len(seen.labelled) else 0
    if not fresh:
        return
    newest = seen.labelled.take(np.arange(max(0, len(seen.labelled) - max(fresh, SMALLEST_LOOK)), len(seen.labelled)))
    before = seen.baseline.labelled.between(None, moment(newest.time[0]))
    rows = block_rows(len(newest), len(before))
    if not rows:
        return
    released = len(set(newest.version[-SMALLEST_LOOK:])) > 1 or newest.version[-1] != before.version[-1]
    text = loss_name(seen.schema)
    past, now = (_blocks(loss(part, seen.schema), rows)[-MOST:] for part in (before, newest))
    one = step(past, now, 0.05)
    looks = min(seen.looks, RELEASES_PER_YEAR) if released else seen.looks
    width = float(one.se[0]) * t_quantile(seen.level(2 * STEPS, looks), float(one.freedom[0]))
    effect = float(one.effect[0])
    yield Finding(
        monitor="quality",
        metric=STEP[text],
        version=str(newest.version[-1]),
        since=moment(newest.time[0]),
        until=moment(newest.time[-1]),
        rows=len(newest),
        value=float(np.exp(effect)),
        limit=float(np.exp(STEP_FLOOR + width)),
        alarm=bool(effect - width > STEP_FLOOR),
        low=float(np.exp(effect - width)),
        high=float(np.exp(effect + width)),
        detail=f"{text} {np.exp(float(one.expected[0]) + effect):.4g} on the newest rows, "
        f"{np.exp(float(one.expected[0])):.4g} in the last weeks",
    )


def loss(records: Records, schema: Schema) -> FloatArray:
    """Return the loss of each row: absolute error, log loss, or 1.0 where the label was wrong."""
    if records.classes is not None:
        return class_losses(records.classes)
    y, score = records.outcome.astype(np.float64), records.score.astype(np.float64)
    return np.asarray(np.abs(y - score)) if schema.task is Task.REGRESSION else row_log_loss(y, score)


def _blocks(losses: FloatArray, rows: int) -> FloatArray:
    """Return the logarithm of the mean loss of consecutive blocks, shape (n_blocks, 1)."""
    count = len(losses) // rows
    means = losses[len(losses) - count * rows :].reshape(count, rows).mean(axis=1)
    return np.asarray(np.log(np.maximum(means, 1e-12)), np.float64)[:, None]
