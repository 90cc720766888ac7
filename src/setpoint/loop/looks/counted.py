"""What recorded requests and rows count as: failed, slow, meant, worth so much."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.objective import Gain
from setpoint.domain.record import OVERDUE_US
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Task
from setpoint.domain.slice import Level, Only
from setpoint.domain.version import ModelVersion

ANSWERED, OVERLOADED = 200, 429


def values_of(rows: Records, by: ModelVersion, gain: Gain | None) -> Column | None:
    """Return what each decision of a version brought by its outcome; None where nobody says what decisions bring."""
    if gain is None or by.schema.task is not Task.BINARY:
        return None
    brought = np.array([[gain.tn, gain.fn], [gain.fp, gain.tp]])
    known = ~np.isnan(rows.outcome)
    values = np.full(len(rows), np.nan)
    values[known] = brought[decisions(rows, by)[known].astype(int), rows.outcome[known].astype(int)]
    return values


def decisions(rows: Records, by: ModelVersion) -> Column:
    """Return what a version decided on each row of a binary task."""
    return rows.score >= by.threshold


def requests_meant(only: Only, asked: Requested) -> Column:
    """Return the rows of requests that are meant: whose caller is, and all of whose rows are (see `Only`).

    One that was refused has no rows to tell by: where a segment is meant, it is not.
    """
    of_callers = np.array([only.asks(caller) for caller in asked.caller], bool)
    if not only.segment:
        return of_callers
    rows = rows_meant(only, asked.inputs)
    request = list(zip(asked.arrived, asked.role, asked.version, asked.caller, asked.latency_us, strict=True))
    mixed = {id_ for id_, meant in zip(request, rows, strict=True) if not meant}
    return np.array([of and id_ not in mixed for of, id_ in zip(of_callers, request, strict=True)], bool)


def rows_meant(only: Only, inputs: Columns) -> Column:
    """Return which recorded rows are of the segment that is meant."""
    of_each = [_among(inputs[name], levels) for name, levels in only.segment.items()]
    return np.logical_and.reduce(of_each) if of_each else np.ones(len(next(iter(inputs.values()))), bool)


def _among(column: Column, levels: Sequence[Level]) -> Column:
    """Return where a value is one of the levels, as at the door: 1 is 1.0 and True, and never "1"."""
    known = np.array(levels, object)
    if column.dtype != object:
        known = np.array([level for level in levels if not isinstance(level, str)], np.float64)
    return np.asarray(np.isin(column, known), bool)


def failed(rows: Requested) -> Column:
    """Return which requests a version failed to answer, for whatever reason of its own."""
    return np.asarray((rows.status >= 500) | (rows.status == OVERLOADED), bool)


def broke(rows: Requested) -> Column:
    """Return which requests broke the contract of the version; not to have answered in time is a failure instead."""
    return np.asarray(rows.broke & ~failed(rows), bool)


def told_before(rows: Requested) -> Column:
    """Return which answers came so late that their requests count as failed: that was recorded when it was time."""
    return np.asarray((rows.status == 200) & (rows.latency_us >= OVERDUE_US), bool)


def latency_ms(rows: Requested) -> Column:
    """Return how long each answer took; NaN where there was none."""
    return np.where(rows.status == 200, rows.latency_us / 1e3, np.nan)
