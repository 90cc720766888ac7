"""Changes of the world: other rows come, or the same rows come to something else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from setpoint.domain.fault import Fault
from setpoint.domain.incident import Cause
from setpoint.domain.records import Column, Columns, stamp
from setpoint.domain.schema import Schema, Task
from setpoint.domain.traffic import Traffic
from setpoint.faults.scope import Mask

TAIL = 1 / 3  # of a column's values: what a covariate shift or a swing draws from
STEP = 1.5  # standard deviations by which a number changes under concept drift


def redrawn(fault: Fault, traffic: Traffic, hit: Mask, pool: Traffic, rng: np.random.Generator) -> Traffic:
    """Return the traffic with other rows of the pool in place of those that are hit; times and ids stay.

    What a row comes to stays what it is for such a row, so a model that was right stays right.
    """
    places = np.flatnonzero(hit)
    chosen = np.full(len(places), -1)
    for part, rows in DRAWN_FROM[fault.kind](fault, traffic, places, pool):
        if len(rows):
            chosen[part] = rng.choice(rows, int(part.sum()))
    places, chosen = places[chosen >= 0], chosen[chosen >= 0]
    inputs = {n: _put(c, places, pool.inputs[n][chosen]) for n, c in traffic.inputs.items()}
    return replace(traffic, inputs=inputs, outcome=_put(traffic.outcome, places, pool.outcome[chosen]))


def _put(column: Column, places: Column, values: Column) -> Column:
    changed = column.copy()
    changed[places] = values
    return changed


Parts = list[tuple[Column, Column]]  # which of the rows that are hit, and the rows of the pool they are drawn from


def _prior(fault: Fault, traffic: Traffic, places: Column, pool: Traffic) -> Parts:
    """Draw from the rarer class, or from the numbers above the median."""
    known = np.isfinite(pool.outcome)
    cut = np.median(pool.outcome[known]) if known.any() else np.nan
    values, counts = np.unique(pool.outcome[known], return_counts=True)
    rare = pool.outcome == values[counts.argmin()] if 0 < len(values) <= 20 else pool.outcome > cut
    return [(np.ones(len(places), bool), np.flatnonzero(known & rare))]


def _covariate(fault: Fault, traffic: Traffic, places: Column, pool: Traffic) -> Parts:
    return [(np.ones(len(places), bool), _upper(pool.inputs[fault.columns[0]]))]


def _season(fault: Fault, traffic: Traffic, places: Column, pool: Traffic) -> Parts:
    """Draw from the upper values in one half of the period, from the lower ones in the other."""
    phase = ((traffic.time[places] - stamp(fault.since)) / np.timedelta64(1, "s") / fault.period_s) % 1.0
    column = pool.inputs[fault.columns[0]]
    return [(phase < 0.5, _upper(column)), (phase >= 0.5, _lower(column))]


DRAWN_FROM: dict[Cause, Callable[[Fault, Traffic, Column, Traffic], Parts]] = {
    Cause.PRIOR: _prior,
    Cause.COVARIATE: _covariate,
    Cause.SEASON: _season,
}


def _upper(column: Column) -> Column:
    ranks = _ranks(column)
    return np.flatnonzero(ranks >= 1 - TAIL)


def _lower(column: Column) -> Column:
    ranks = _ranks(column)
    return np.flatnonzero((ranks >= 0) & (ranks <= TAIL))


def _ranks(column: Column, side: Literal["left", "right"] = "right") -> Column:
    """Return the place of each value among all, 0 to 1, shape (n,); of texts by their spelling; −1 where missing.

    That is the share of values up to it, or on the left side of those below it.
    """
    if column.dtype == object:
        levels = {level: place for place, level in enumerate(sorted({v for v in column.tolist() if v is not None}))}
        column = np.array([np.nan if v is None else levels[v] for v in column.tolist()], np.float64)
    known = np.sort(column[~np.isnan(column)])
    ranks = np.searchsorted(known, column, side) / max(len(known), 1)
    return np.where(np.isnan(column), -1.0, ranks)


def otherwise(fault: Fault, traffic: Traffic, truth: Column, hit: Mask, schema: Schema) -> Column:
    """Return what rows come to when the relation changes above the middle of one column, shape (n,).

    A level that more than half of the rows hold is above it if most of the others are below.
    """
    column = traffic.inputs[fault.columns[0]]
    concerned = hit & (_ranks(column, "left") + _ranks(column, "right") >= 1.0)
    if schema.task is Task.REGRESSION:
        return np.where(concerned, truth + STEP * np.nanstd(truth), truth)
    return np.where(concerned, (truth + 1) % max(len(schema.classes), 2), truth)


def columns_of(inputs: Columns, rows: Column) -> dict[str, Column]:
    """Return some rows of columns."""
    return {name: column[rows] for name, column in inputs.items()}
