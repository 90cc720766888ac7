"""How far back the log is read for a training set: until its window is full, for the log may be far longer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import reduce

import numpy as np

from setpoint.domain.record import EARLIEST_US
from setpoint.domain.records import Records, joined
from setpoint.domain.training_set import Base, SetSpec, Source
from setpoint.update.sets.choose import last_of_each, usable

FIRST = timedelta(days=112)  # read at first; each further stretch is four times as long
EARLIEST = datetime.fromtimestamp(EARLIEST_US / 1e6, UTC)

Read = Callable[[datetime | None, datetime], Records]


def recorded_for(read: Read, source: Source, spec: SetSpec, reference_rows: int) -> Records:
    """Return the rows of the log that a set can hold, in time order; what is older would fall out of its window.

    Parameters
    ----------
    read : callable
        Returns the rows from one time to before another, as they were known at `source.as_of`.
    reference_rows : int
        The length of the window, where the spec has none.
    """
    floor = EARLIEST if spec.window_s is None else source.until - timedelta(seconds=spec.window_s)
    rows = reference_rows if spec.rows is None else spec.rows
    if spec.reference is Base.ALWAYS or not rows:  # ids of any age take rows of the reference out, or all are asked for
        return read(None if spec.reference is Base.ALWAYS or spec.window_s is None else floor, source.until)
    parts, end, length = list[Records](), source.until, FIRST
    while end > floor:
        begin = max(end - length, floor) if end - floor > length else floor
        parts.insert(0, read(begin, end))
        found = reduce(joined, parts)
        if _subjects(found, source) >= rows:
            return found
        parts, end, length = [found], begin, 4 * length
    return reduce(joined, parts)


def _subjects(records: Records, source: Source) -> int:
    """Return how many rows a set could hold of them: labelled in time, of sound stretches, one for each id."""
    rows = usable(records, source.until, source.as_of, source.left_out)
    return int(np.count_nonzero(last_of_each(records.id[rows])))
