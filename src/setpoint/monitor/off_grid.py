"""A number that comes in steps, an hour or a rounded reading, is sent between them: another unit, or another column."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Column, Records, moment
from setpoint.monitor.horizons import surest
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.newest import level_over, measurements, newest
from setpoint.monitor.seen import Seen
from setpoint.stats.intervals import share_high, share_low

STEPS = 1_000  # at most, of the reference's range: finer ones tell nothing
NEAR = 0.01  # of a step, within which a value is on it
FACTOR, FLOOR = 2.5, 0.02  # times the largest share of any as long stretch before, and a share that nobody minds
EXAMPLES = 5

Bools = NDArray[np.bool_]


def off_grid(seen: Seen) -> Iterator[Finding]:
    """Report numbers of which more lie between the steps of the reference than in any stretch of the last weeks.

    The lower Clopper–Pearson bound of their share must pass 2.5 times the largest of any as long stretch, plus 2 %.
    """
    columns = {name: c for name, c in measurements(seen).items() if 0 < c.high - c.low <= STEPS * c.grain}
    yield from surest(
        [
            found
            for before, window in newest(seen)
            for name, limits in columns.items()
            for found in _judged(seen, name, limits, before, window, level_over(seen, window, len(columns)))
        ]
    )


def between_steps(column: Column, limits: ColumnLimits) -> Bools:
    """Return which values are no whole number of steps from the reference's lowest, shape (n,)."""
    place = (column.astype(np.float64) - limits.low) / limits.grain
    return np.asarray(np.abs(place - np.round(place)) > NEAR)


def _judged(
    seen: Seen, name: str, limits: ColumnLimits, before: Records, window: Records, alpha: float
) -> Iterator[Finding]:
    """Judge one column in one window, if anything lies between its steps."""
    off, rows = between_steps(window.inputs[name], limits), len(window)
    hits = int(off.sum())
    if not hits:
        return
    known = between_steps(before.inputs[name], limits)
    natural = max(float(part.mean()) for part in np.array_split(known, len(known) // rows))
    low, limit = share_low(hits, rows, alpha), min(FACTOR * natural + FLOOR, 1.0)
    yield Finding(
        monitor="data_quality",
        metric="off_grid",
        column=name,
        since=moment(window.time[0]),
        until=moment(window.time[-1]),
        rows=rows,
        value=hits / rows,
        limit=limit,
        alarm=bool(low > limit),
        low=low,
        high=share_high(hits, rows, alpha),
        detail=f"{hits / rows:.1%} of {rows} rows lie between the steps of {limits.grain:.6g} in which it comes; "
        f"natural up to {natural:.1%}",
        examples=tuple(str(i) for i in window.id[off][:EXAMPLES]),
    )
