"""Realised quality: each objective over its window, and a fast step in the loss of the newest labelled rows."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.schema import Schema, Task
from setpoint.monitor.drift import MOST_BLOCKS, block_rows
from setpoint.monitor.seen import SMALLEST_LOOK, YEAR_S, Seen
from setpoint.stats.blocks import step
from setpoint.stats.intervals import block_se, t_quantile
from setpoint.stats.quality import METRICS, accuracy, row_log_loss

FEWEST_ROWS = 24
LOSS = {Task.REGRESSION: ("mae_step", "mean absolute error"), Task.BINARY: ("log_loss_step", "log loss")}
STEP_FLOOR = float(np.log(1.25))
RELEASES_PER_YEAR = 50.0  # a step right after a release needs less proof: there are far fewer releases than looks

FloatArray = NDArray[np.float64]


def quality(seen: Seen) -> Iterator[Finding]:
    """Report each quality objective with its interval, and a sudden step in the loss."""
    goals = [o for o in seen.objectives if o.metric in METRICS]
    for objective in goals:
        yield from _objective(seen, objective, len(goals))
    yield from _step(seen)


def measured(seen: Seen, objective: Objective) -> tuple[float, FloatArray, Records] | None:
    """Return a quality metric over the objective's window, the influence of its rows, and the rows; None if unknown."""
    rows = seen.labelled.between(seen.now - timedelta(seconds=objective.window_s), None)
    if not len(rows):
        return None
    y, score = rows.outcome.astype(np.float64), rows.score.astype(np.float64)
    if objective.metric == "accuracy":
        value, psi = accuracy(y, score, seen.threshold)
    else:
        value, psi = METRICS[objective.metric](y, score)
    return (value, psi, rows) if np.isfinite(value) else None


def _objective(seen: Seen, objective: Objective, goals: int) -> Iterator[Finding]:
    """Alarm when the whole interval lies on the wrong side of the target.

    Windows of neighbouring looks overlap, so a year holds only a few times year/window separate tests.
    """
    found = measured(seen, objective)
    if found is None or len(found[2]) < FEWEST_ROWS:
        return
    value, psi, rows = found
    se, freedom = block_se(psi)
    separate = min(seen.looks, 4 * YEAR_S / objective.window_s)
    width = se * t_quantile(seen.level(2 * goals, separate), freedom)
    near = value + width if objective.higher_is_better else value - width
    yield Finding(
        monitor="quality",
        metric=objective.metric,
        since=moment(rows.time[0]),
        until=moment(rows.time[-1]),
        rows=len(rows),
        value=value,
        limit=objective.target,
        alarm=bool(np.isfinite(near)) and not objective.met_by(near),
        low=value - width if np.isfinite(width) else None,
        high=value + width if np.isfinite(width) else None,
        detail=f"{objective.metric} {value:.4g}, set point at {'least' if objective.higher_is_better else 'most'} "
        f"{objective.target:.6g}",
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
    metric, text = LOSS[seen.schema.task]
    past, now = (_blocks(loss(part, seen.schema), rows)[-MOST_BLOCKS:] for part in (before, newest))
    one = step(past, now, 0.05)
    looks = min(seen.looks, RELEASES_PER_YEAR) if released else seen.looks
    width = float(one.se[0]) * t_quantile(seen.level(2, looks), float(one.freedom[0]))
    effect = float(one.effect[0])
    yield Finding(
        monitor="quality",
        metric=metric,
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
    """Return the loss of each row: absolute error, or log loss."""
    y, score = records.outcome.astype(np.float64), records.score.astype(np.float64)
    return np.asarray(np.abs(y - score)) if schema.task is Task.REGRESSION else row_log_loss(y, score)


def _blocks(losses: FloatArray, rows: int) -> FloatArray:
    """Return the logarithm of the mean loss of consecutive blocks, shape (n_blocks, 1)."""
    count = len(losses) // rows
    means = losses[len(losses) - count * rows :].reshape(count, rows).mean(axis=1)
    return np.asarray(np.log(np.maximum(means, 1e-12)), np.float64)[:, None]
