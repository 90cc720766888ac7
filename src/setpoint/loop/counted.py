"""What recorded requests and rows count as: failed, slow, meant, worth so much."""

import numpy as np

from setpoint.domain.objective import Gain
from setpoint.domain.record import OVERDUE_US
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.requested import Requested
from setpoint.domain.schema import Task
from setpoint.domain.slice import Only
from setpoint.domain.version import ModelVersion

OVERLOADED = 429


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


def rows_meant(only: Only, inputs: Columns) -> Column:
    """Return which recorded rows are of the segment that is meant."""
    of_each = [np.isin(inputs[name], np.array(levels, inputs[name].dtype)) for name, levels in only.segment.items()]
    return np.logical_and.reduce(of_each) if of_each else np.ones(len(next(iter(inputs.values()))), bool)


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
