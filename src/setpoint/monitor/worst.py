"""Where the answers are worst, once an objective is off: named slices of the rows, as notes."""

from collections.abc import Iterator, Sequence

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.domain.records import moment
from setpoint.monitor.axes import axes_of
from setpoint.monitor.loss_step import loss
from setpoint.monitor.quality import numbers
from setpoint.monitor.seen import Seen
from setpoint.stats.losses import loss_name
from setpoint.stats.slices import find_slices

MOST_ROWS = 50_000  # the newest


def worst_slices(seen: Seen, quality: Sequence[Finding]) -> Iterator[Finding]:
    """Report the slices with the highest loss over the window of an objective that is surely off; see `find_slices`."""
    off = [f for f in quality if f.alarm and not f.metric.endswith("_step")]
    if not off:
        return
    rows = numbers(seen.labelled.between(min(f.since for f in off), None))
    rows = rows.take(np.arange(max(0, len(rows) - MOST_ROWS), len(rows)))
    what = loss_name(seen.schema)
    for found in find_slices(axes_of(rows.inputs), loss(rows, seen.schema)):
        yield Finding(
            monitor="slices",
            metric="loss",
            segment=found.name,
            since=moment(rows.time[0]),
            until=moment(rows.time[-1]),
            rows=found.rows,
            value=found.loss,
            limit=found.rest,
            alarm=False,
            low=found.rest + found.low,
            high=found.rest + found.high,
            detail=f"{what} {found.loss:.4g} in {found.share:.1%} of the rows, {found.rest:.4g} elsewhere",
        )
