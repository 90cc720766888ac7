"""Faults of the outcome feed: what is true stays so, what is told of it does not."""

from collections.abc import Callable

import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.records import Column
from setpoint.domain.schema import Schema, Task
from setpoint.faults.scope import Mask


def told(fault: Fault, outcome: Column, known: Column, hit: Mask, schema: Schema) -> tuple[Column, Column]:
    """Return the outcomes as they are told, and when each becomes known, both of shape (n,)."""
    if fault.way == "late":
        late = known + np.timedelta64(round(fault.delay_s * 1e6), "us")
        return outcome, np.where(hit, late, known)
    return np.where(hit, WAYS[fault.way](outcome, hit, schema), outcome), known


def _constant(outcome: Column, hit: Mask, schema: Schema) -> Column:
    """Return one value: of a number the median, of classes the most frequent."""
    known = outcome[np.isfinite(outcome)]
    if schema.task is Task.REGRESSION or not len(known):
        return np.full(len(outcome), np.median(known) if len(known) else np.nan)
    values, counts = np.unique(known, return_counts=True)
    return np.full(len(outcome), values[counts.argmax()])


def _flipped(outcome: Column, hit: Mask, schema: Schema) -> Column:
    """Return numbers mirrored at their mean, and classes in the opposite order."""
    if schema.task is Task.REGRESSION:
        return np.asarray(2 * np.nanmean(outcome) - outcome)
    return np.asarray(len(schema.classes) - 1 - outcome)


def _lost(outcome: Column, hit: Mask, schema: Schema) -> Column:
    return np.full(len(outcome), np.nan)


def _duplicated(outcome: Column, hit: Mask, schema: Schema) -> Column:
    """Return the outcome of the row before: a join that is off by one tells it twice."""
    return np.concatenate([outcome[:1], outcome[:-1]])


WAYS: dict[str, Callable[[Column, Mask, Schema], Column]] = {
    "constant": _constant,
    "flipped": _flipped,
    "lost": _lost,
    "duplicated": _duplicated,
}
