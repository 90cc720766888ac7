"""Which rows of a column lie within a part of the rows."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column
from setpoint.domain.within import Within


def lying(within: Within, column: Column) -> NDArray[np.bool_]:
    """Return which values of a recorded column lie within, shape (n,)."""
    if column.dtype == object:
        absent = np.array([v is None for v in column.tolist()], bool)
        return np.asarray(np.isin(column, np.array(within.levels, object)) | (absent & within.missing), bool)
    absent = np.isnan(column)
    low, high = (-np.inf if within.low is None else within.low), (np.inf if within.high is None else within.high)
    between = within.ranged & (column >= low) & (column <= high)
    return np.asarray(np.where(absent, within.missing, between), bool)
