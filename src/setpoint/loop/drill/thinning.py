"""Every n-th recorded row of some weeks, read a part at a time: what is not kept is not held in memory either."""

from collections.abc import Iterator
from datetime import datetime
from functools import reduce

import numpy as np

from setpoint.domain.records import Records, joined, moment
from setpoint.monitor.scope import DAY, floored
from setpoint.ports import RecordLog

AT_ONCE = 200_000  # rows that are read at once, or a day of fewer


def thinned(log: RecordLog, model: str, since: datetime, until: datetime, most: int) -> tuple[Records, int]:
    """Return at most `most` champion rows of a window, evenly taken, and of how many each is one."""
    first, last = floored(since, DAY), floored(until, DAY) + DAY
    days = log.series(model, first, last, DAY)[""]
    every = max(1, -(-int(days.rows.sum()) // most))
    if every == 1:
        return log.read(model, since=since, until=until), 1
    found, seen = list[Records](), 0
    for start, count in zip(days.starts, days.rows.tolist(), strict=True):
        for begin, end in _parts(moment(start), count):
            rows = log.read(model, since=max(begin, since), until=min(end, until))
            found.append(rows.take(np.arange(-seen % every, len(rows), every)))
            seen += len(rows)
    return reduce(joined, found), every


def _parts(day: datetime, rows: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a day that hold about `AT_ONCE` rows each, or fewer."""
    pieces = -(-rows // AT_ONCE)
    for piece in range(pieces):
        yield day + piece * DAY / pieces, day + (piece + 1) * DAY / pieces
