"""Column by column, recorded values beside those that the source says."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.audited import Audited, Difference
from setpoint.domain.records import Column, Columns, Records, moment
from setpoint.monitor.audit.shape import shape_of

RELATIVE = 1e-5  # of a number, or of a usual one: what 32-bit floats and five digits lose is no difference
SHOWN = 3  # ids of rows that differ

Bools = NDArray[np.bool_]


def compared(rows: Records, source: Columns, now: datetime) -> Audited:
    """Compare recorded inputs with those of their source.

    Parameters
    ----------
    rows : Records
        At least one, in time order.
    source : dict
        What the source says of the same rows, of the columns it knows; each of shape (n,).
    """
    marks = {name: differs(rows.inputs[name], column) for name, column in source.items()}
    return Audited(
        at=now,
        since=moment(rows.time[0]),
        until=moment(rows.time[-1]),
        rows=len(rows),
        columns=tuple(source),
        differ=tuple(_difference(rows, source, name, mark) for name, mark in marks.items() if mark.any()),
    )


def differs(a: Column, b: Column) -> Bools:
    """Return where two columns hold different values, shape (n,); numbers may differ by their rounding."""
    if a.dtype == object or b.dtype == object:
        return np.array([x != y for x, y in zip(a.tolist(), b.tolist(), strict=True)], dtype=bool)
    missing = np.isnan(a) | np.isnan(b)
    usual = float(np.median(np.abs(b[~missing]))) if not missing.all() else 0.0
    near = np.abs(a - b) <= RELATIVE * np.maximum(np.maximum(np.abs(a), np.abs(b)), usual)
    return np.asarray(np.where(missing, np.isnan(a) != np.isnan(b), ~near), dtype=bool)


def _difference(rows: Records, source: Columns, name: str, mark: Bools) -> Difference:
    at = np.flatnonzero(mark)
    return Difference(
        column=name,
        rows=len(at),
        first=moment(rows.time[at[0]]),
        ids=tuple(str(i) for i in rows.id[at[:SHOWN]]),
        like=shape_of(name, mark, rows.inputs, source),
    )
