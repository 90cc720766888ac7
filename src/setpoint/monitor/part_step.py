"""A sudden step in the loss of a part of the rows: what all rows together are too many to show."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Columns, Records, moment
from setpoint.domain.schema import Kind, Schema
from setpoint.monitor.loss_step import DAYS, STEP, STEP_FLOOR, WINDOWS, loss, loss_blocks, rows_before
from setpoint.monitor.seen import SMALLEST_LOOK, STEPS, Seen
from setpoint.stats.blocks import FEWEST, MOST, SPAN, step
from setpoint.stats.intervals import t_quantile
from setpoint.stats.losses import loss_name

COLUMNS, LEVELS = 24, 3  # features, and the commonest levels of each, that parts are told by
HARM = 0.05  # of the loss of all rows, by which the part must raise it

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Parts = list[tuple[str, Bools, Bools]]


def part_step(seen: Seen) -> Iterator[Finding]:
    """Compare the loss of the last three days with that of the weeks before, in parts of the rows; the surest one.

    Parts are the rows on either side of the middle of a number, and those of a common level. The error of a window of
    `loss_step` is divided among them; and only a step that costs 5 % over all rows, as it is seen, counts.
    """
    if not len(seen.labelled):
        return
    newest = seen.labelled.take(seen.labelled.time > seen.labelled.time[-1] - np.timedelta64(DAYS))
    before = rows_before(seen, moment(newest.time[0]) - DAYS)
    if len(newest) < SMALLEST_LOOK or len(before) < SPAN * SMALLEST_LOOK:
        return
    lost, now = loss(before, seen.schema), loss(newest, seen.schema)
    parts = parts_of(seen.schema, before.inputs, newest.inputs)
    alpha = seen.level(2 * STEPS * WINDOWS * max(len(parts), 1), seen.separate(DAYS))
    found = [
        _judged(seen, newest, name, lost[then], now[late], float(lost.mean()) / float(late.mean()), alpha)
        for name, then, late in parts
        if late.sum() >= SMALLEST_LOOK
    ]
    alarms = [f for f in found if f is not None and f.alarm]
    if alarms:
        yield max(alarms, key=lambda f: f.value / f.limit)


def parts_of(schema: Schema, before: Columns, newest: Columns) -> Parts:
    """Return the parts with which rows before, and which of the newest, lie in each."""
    found: Parts = []
    for feature in [f for f in schema.features if f.sensitive is None and f.name in before][:COLUMNS]:
        then, late = before[feature.name], newest[feature.name]
        if feature.kind is Kind.NUMERIC:
            if np.isnan(then).all():
                continue
            cut = float(np.nanmedian(then))
            found.append((f"{feature.name} > {cut:.6g}", then > cut, late > cut))
            found.append((f"{feature.name} <= {cut:.6g}", then <= cut, late <= cut))
        else:
            levels, count = np.unique(then.astype(str), return_counts=True)
            for level in levels[np.argsort(-count, kind="stable")[:LEVELS]].tolist():
                found.append((f"{feature.name} is {level!r}", then.astype(str) == level, late.astype(str) == level))
    return found


def _judged(
    seen: Seen, newest: Records, name: str, lost: Floats, now: Floats, whole: float, alpha: float
) -> Finding | None:
    """Judge one part; `whole` is the loss of all rows, for each row of the part."""
    rows = min(len(now), len(lost) // SPAN)
    if rows < FEWEST:
        return None
    one = step(loss_blocks(lost, rows)[-MOST:], loss_blocks(now, rows)[-MOST:], 0.05)
    width = float(one.se[0]) * t_quantile(alpha, float(one.freedom[0]))
    effect, usual = float(one.effect[0]), float(np.exp(one.expected[0]))
    limit = max(STEP_FLOOR + width, float(np.log1p(HARM * whole / max(usual, 1e-12))))
    text = loss_name(seen.schema)
    return Finding(
        monitor="quality",
        metric=STEP[text],
        segment=name,
        version=str(newest.version[-1]),
        since=moment(newest.time[0]),
        until=moment(newest.time[-1]),
        rows=len(now),
        value=float(np.exp(effect)),
        limit=float(np.exp(limit)),
        alarm=bool(effect > limit),
        low=float(np.exp(effect - width)),
        high=float(np.exp(effect + width)),
        detail=f"{text} {usual * np.exp(effect):.4g} on the newest rows where {name}, {usual:.4g} in the last weeks",
    )
