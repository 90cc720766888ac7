"""Which fault of a column makes just what was recorded out of what the source says."""

import numpy as np

from setpoint.domain.incident import Cause
from setpoint.domain.records import Column, Columns

FEWEST = 5  # rows that differ
EXACT = 1e-4  # of the spread: how far pairs may lie from one line


def shape_of(name: str, differ: Column, recorded: Columns, source: Columns) -> str:
    """Return the cause whose remedy would mend a column in every row that differs; an empty text if there is none.

    Parameters
    ----------
    name : str
        The column that differs.
    differ : ndarray of shape (n,), bool
        In which rows it does.
    recorded, source : dict
        Columns of shape (n,).
    """
    ours, theirs = recorded[name][differ], source[name][differ]
    if _missing(ours).all():
        return str(Cause.NULL)
    if len(ours) < FEWEST or len(set(ours.tolist())) < 2:
        return ""
    if any(_same(ours, other[differ]) for n, other in source.items() if n != name):
        return str(Cause.SWAPPED)
    if ours.dtype == object or theirs.dtype == object:
        return str(Cause.RENAMED) if _goes_back(recorded[name], source[name]) else ""
    return str(Cause.UNIT) if _on_a_line(ours, theirs) else ""


def _missing(column: Column) -> Column:
    return np.array([v is None or v != v for v in column.tolist()], dtype=bool)


def _same(a: Column, b: Column) -> bool:
    return a.dtype == b.dtype and bool(np.all((a == b) | (_missing(a) & _missing(b))))


def _goes_back(ours: Column, theirs: Column) -> bool:
    """Whether each recorded level stands for one level of the source."""
    return len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == len(set(ours.tolist()))


def _on_a_line(ours: Column, theirs: Column) -> bool:
    known = ~np.isnan(ours) & ~np.isnan(theirs)
    x, y = theirs[known], ours[known]
    if len(np.unique(x)) < FEWEST or len(np.unique(y)) < FEWEST:
        return False
    line = np.polynomial.Polynomial.fit(x, y, 1)
    return bool(np.abs(y - line(x)).max() <= EXACT * np.ptp(y))
