"""A sudden step in the loss: of the rows whose outcomes are new, and of those of the last days together."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.schema import Schema, Task
from setpoint.monitor.horizons import surest
from setpoint.monitor.seen import SMALLEST_LOOK, STEPS, Seen
from setpoint.stats.blocks import MOST, SPAN, block_rows, step
from setpoint.stats.intervals import t_quantile
from setpoint.stats.losses import ABSOLUTE, ERROR_RATE, LOG_LOSS, class_losses, loss_name
from setpoint.stats.quality import row_log_loss

STEP = {ABSOLUTE: "mae_step", LOG_LOSS: "log_loss_step", ERROR_RATE: "error_rate_step"}
STEP_FLOOR = float(np.log(1.2))
RELEASES_PER_YEAR = 50.0  # a step right after a release needs less proof: there are far fewer releases than looks
DAYS = timedelta(days=3)  # by whose rows together a step shows that those of one look are too few for
WINDOWS = 3  # those of one look, of some days, and of these in parts: see `part_step`

FloatArray = NDArray[np.float64]


def loss_step(seen: Seen) -> Iterator[Finding]:
    """Compare the loss of the newest labelled rows with blocks of rows before: a log ratio of mean losses.

    Newest are those whose outcomes came since the last look; and those of the last three days, which are compared with
    what came three days before these and earlier: rows that a step spoiled while no look was sure of it do not hide it.
    """
    fresh = int((seen.labelled.known >= stamp(seen.started)).sum()) if len(seen.labelled) else 0
    if not fresh:
        return
    last = seen.labelled.time[-1]
    days = int((seen.labelled.time > last - np.timedelta64(DAYS)).sum())
    newest, weeks = (
        seen.labelled.take(np.arange(max(0, len(seen.labelled) - rows), len(seen.labelled)))
        for rows in (max(fresh, SMALLEST_LOOK), days)
    )
    before = rows_before(seen, moment(newest.time[0]))
    yield from surest(
        [
            *_judged(seen, newest, before, block_rows(len(newest), len(before)), seen.looks),
            *(_over_days(seen, weeks) if days > len(newest) else ()),
        ]
    )


def _over_days(seen: Seen, newest: Records) -> Iterator[Finding]:
    before = rows_before(seen, moment(newest.time[0]) - DAYS)
    rows = len(before) // SPAN
    if rows >= SMALLEST_LOOK:
        yield from _judged(seen, newest, before, rows, seen.separate(DAYS))


def rows_before(seen: Seen, when: datetime) -> Records:
    """Return the labelled rows before a time that no incident has touched."""
    return seen.baseline.labelled.between(None, when)


def _judged(seen: Seen, newest: Records, before: Records, rows: int, looks: float) -> Iterator[Finding]:
    """Judge newest rows by blocks of so many rows before them, if there are any."""
    if not rows:
        return
    released = len(set(newest.version[-SMALLEST_LOOK:])) > 1 or newest.version[-1] != before.version[-1]
    text = loss_name(seen.schema)
    past, now = (loss_blocks(loss(part, seen.schema), rows)[-MOST:] for part in (before, newest))
    one = step(past, now, 0.05)
    looks = min(looks, RELEASES_PER_YEAR) if released else looks
    width = float(one.se[0]) * t_quantile(seen.level(2 * STEPS * WINDOWS, looks), float(one.freedom[0]))
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


def loss_blocks(losses: FloatArray, rows: int) -> FloatArray:
    """Return the logarithm of the mean loss of consecutive blocks, shape (n_blocks, 1)."""
    count = len(losses) // rows
    means = losses[len(losses) - count * rows :].reshape(count, rows).mean(axis=1)
    return np.asarray(np.log(np.maximum(means, 1e-12)), np.float64)[:, None]
