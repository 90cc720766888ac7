"""Whether outcomes come when they are due."""

import numpy as np

from setpoint.domain.feed import delay_of
from setpoint.domain.records import Records, moment
from setpoint.domain.silent import silent_callers, without
from setpoint.maintain.case import latest
from setpoint.maintain.marks import Bools, Step, rate_step

USUAL = 0.9  # quantile of the healthy delays by which an outcome is due
FEWEST = 30  # healthy labelled rows


def late(healthy: Records, suspect: Records, behind_s: float = 0.0) -> Step | None:
    """Return since when outcomes that are due do not come; None where too few are known to say when they are due.

    Rows of callers whose requests never get an outcome tell nothing.
    """
    came = latest(healthy).labelled
    if len(came) < FEWEST or not len(suspect):
        return None
    due = delay_of(came, USUAL, behind_s)
    silent = silent_callers((healthy, suspect), due, moment(suspect.time[-1]))
    before, rows = (latest(without(part, silent)) for part in (healthy, suspect))
    if not len(rows):
        return None
    return rate_step(
        overdue(before.take(before.time + due <= rows.time[0]), due),
        overdue(rows.take(rows.time + due <= rows.time[-1]), due),
    )


def overdue(rows: Records, due: np.timedelta64) -> Bools:
    """Return which outcomes had not come when they were due, shape (n,)."""
    marks: Bools = np.isnat(rows.known) | (rows.known - rows.time > due)
    return marks
