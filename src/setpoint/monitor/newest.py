"""The newest rows, whatever the looks, beside as many stretches of as many rows before."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from setpoint.domain.records import Records, joined, moment
from setpoint.domain.schema import Kind
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.seen import PARTS, Seen

WINDOWS = (48, 192, 768)  # newest rows; of a young deployment as few as there are stretches of before
STRETCHES = 8
GROWS = timedelta(days=3)
RULES = 3  # runs in `stuck`, `atoms` and `off_grid` divide what a part of a family spends


def newest(seen: Seen) -> Iterator[tuple[Records, Records]]:
    """Yield windows of the newest rows, and the sound rows before each: eight times as many, and all of a few days.

    They end three days before the window, where enough are left: what grows day by day must not pass for natural.
    """
    every = joined(seen.baseline, seen.recent) if seen.answers is None else seen.answers
    most = len(seen.baseline) // (STRETCHES + 1)
    for rows in sorted({min(size, most) for size in WINDOWS}):
        if min(WINDOWS) <= rows <= len(every):
            window = every.take(np.arange(len(every) - rows, len(every)))
            began = moment(window.time[0])
            before = seen.baseline.between(None, began - GROWS)
            if len(before) < STRETCHES * rows:
                before = seen.baseline.between(None, began)
            if len(before) >= STRETCHES * rows:
                yield before.take(np.arange(max(0, len(before) - STRETCHES * max(WINDOWS)), len(before))), window


def measurements(seen: Seen) -> dict[str, ColumnLimits]:
    """Return the numeric features that do not stay on a value for long, and what is natural for each."""
    columns = {name: c for name, c in seen.limits.columns.items() if name in seen.baseline.inputs}
    return {name: c for name, c in columns.items() if c.kind is Kind.NUMERIC and not c.stepwise}


def level_over(seen: Seen, window: Records, columns: int) -> float:
    """Return the error that one rule may have for one column in a window."""
    tests = PARTS * RULES * len(WINDOWS) * max(columns, 1)
    return seen.level(tests, seen.separate(seen.now - moment(window.time[0])))
