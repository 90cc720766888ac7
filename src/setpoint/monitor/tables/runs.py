"""Stretches of rows that hold one value: a sensor that hangs, a job that repeats its last answer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from setpoint.monitor.changes.values import Change

SHARE = 0.02  # of the rows: a shorter run is no matter
LONGER = 5  # times the longest run of the reference
ROWS = 20  # and more
LOOKS = 4  # rows looked at within the shortest run that matters
EXPLAINED = ("", "spike", "frequency", "shape", "shift", "scale", "vanished_level")  # what such a run looks like


def frozen(change: Change | None, before: NDArray[Any], rows: NDArray[Any], column: str) -> Change | None:
    """Return the change of a column that stood still for a stretch of rows, else the one there is.

    A long run that the value's share in the reference explains is an order of rows, and no fault.

    Parameters
    ----------
    before, rows : ndarray of shape (n,)
        Values or codes of the reference and of the current table in their order, without nulls.
    """
    if (change.kind if change else "") not in EXPLAINED or len(rows) < ROWS or not len(before):
        return change
    start, length = longest_run(rows)
    if length <= max(SHARE * len(rows), LONGER * longest_run(before)[1] + ROWS):
        return change
    more = length / len(rows) - float((before == rows[start]).mean())
    if more <= SHARE:
        return change
    detail = f"{length:,} rows in a row hold one value, from row {start:,} on"
    return Change(column=column, kind="frozen", effect=length / len(rows), low=more, floor=SHARE, detail=detail)


def longest_run(rows: NDArray[Any]) -> tuple[int, int]:
    """Return where the longest run of one value begins and how long it is; 0 where surely no run matters."""
    step = max(int(SHARE * len(rows)) // LOOKS, 1)
    seen = rows[::step]
    if step > 1 and not ((seen[1:-1] == seen[:-2]) & (seen[1:-1] == seen[2:])).any():
        return 0, 0
    starts = np.concatenate([[0], np.flatnonzero(rows[1:] != rows[:-1]) + 1])
    lengths = np.diff(np.append(starts, len(rows)))
    at = int(np.argmax(lengths)) if len(rows) else 0
    return (int(starts[at]), int(lengths[at])) if len(rows) else (0, 0)
