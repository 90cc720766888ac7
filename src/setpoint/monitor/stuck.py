"""Columns that repeat one value for longer than the reference ever did."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import moment
from setpoint.domain.series import ColumnSeries
from setpoint.monitor.horizons import Horizon
from setpoint.monitor.limits import Run, number_name
from setpoint.monitor.newest import RULES
from setpoint.monitor.scope import Scope
from setpoint.monitor.seen import PARTS, Seen
from setpoint.stats.blocks import runs_of
from setpoint.stats.intervals import share_high

RUN_FACTOR, SHORTEST_RUN = 2.5, 24
UNSURE = 0.05  # error of the bound of a share

FloatArray = NDArray[np.float64]


def stuck(seen: Seen, scope: Scope, horizon: Horizon) -> Iterator[Finding]:
    """Report columns whose value stood still for longer than is natural, in a run that reaches into a window.

    A run is made of whole stretches of one value (hours, and the minutes of the running one), so it is at least as long
    as said.
    """
    tests = PARTS * RULES * max(len(scope.watched), 1) * scope.divided
    alpha = seen.level(tests, seen.separate(seen.now - horizon.since))
    whole = scope.since(moment(scope.hours.starts[0]))
    recent = whole.starts >= horizon.stretches.starts[0]
    for name, limits in scope.watched.items():
        if limits.runs:
            found = _run(whole.columns[name], recent, limits.runs, alpha)
            if found is not None:
                value, limit = found
                yield Finding(
                    monitor="data_quality",
                    metric="stuck",
                    column=name,
                    since=horizon.since,
                    until=seen.now,
                    rows=horizon.rows,
                    value=float(value),
                    limit=float(limit),
                    alarm=value > limit,
                    kind="frozen",
                    detail=f"one value for {value} rows running; the longest run natural for it is {limit}",
                )


def _run(
    column: ColumnSeries, recent: NDArray[np.bool_], runs: Mapping[str, Run], alpha: float
) -> tuple[int, int] | None:
    """Return the rows of the run that is the furthest beyond what is natural for its value, and how many are."""
    rows = column.rows
    there = rows > 0
    held, names = _held(column)
    values, rows, recent = held[there], rows[there], recent[there]
    starts, lengths = runs_of(values)
    if not len(starts):
        return None
    sizes = np.add.reduceat(rows, starts)
    reach = np.logical_or.reduceat(recent, starts) & ~np.isnan(values[starts])
    worst = None
    long = 2 * sizes > SHORTEST_RUN  # no limit is below that: of rare rows nearly all runs are of one, and are passed
    for at in np.flatnonzero(reach & long).tolist():
        value = values[starts[at]]
        same = ~reach & ((values[starts] == value) | (len(runs) == 1)) & ~np.isnan(values[starts])
        allowed = _longest(runs, names.get(value, number_name(value)), alpha)
        if allowed:
            others = len(values) - int(lengths[at])
            alike = int((values == value).sum() - lengths[at])
            by_share = _by_share(alike, others, alpha) * sizes[at] / lengths[at]
            allowed = int(max(allowed, by_share, RUN_FACTOR * sizes[same].max(initial=0)))
            if 2 * sizes[at] > allowed and (worst is None or sizes[at] * worst[1] > worst[0] * allowed):
                worst = int(sizes[at]), allowed
    return worst


def _held(column: ColumnSeries) -> tuple[FloatArray, dict[float, str]]:
    """Return the value that each stretch holds alone, NaN where there are several; levels by their number."""
    if not column.cuts.bins:
        one = column.levels.max(axis=1, initial=0) == column.rows
        held = np.where(one, column.levels.argmax(axis=1) if column.names else 0, np.nan)
        return held, {float(at): name for at, name in enumerate(column.names)}
    return np.where((column.low == column.high) & (column.finite == column.rows), column.low, np.nan), {}


def _by_share(alike: int, stretches: int, alpha: float) -> float:
    """Return how many stretches chance alone keeps on a value that some of the other stretches hold.

    What was one value of several in the reference may be nearly all there is now. The share is its upper bound: few
    stretches tell little of it.
    """
    if not alike:
        return 0.0
    share = min(share_high(alike, stretches, UNSURE), 1 - 1 / (stretches + 2))
    return float(np.log(alpha) / np.log(share))


def _longest(runs: Mapping[str, Run], name: str, alpha: float) -> int:
    """Return how many rows a value may stay: well beyond the reference's longest run, and what chance explains."""
    run = runs[""] if len(runs) == 1 else runs.get(name)
    if run is None:
        return 0
    chance = np.log(alpha) / np.log(run.stay) if 0 < run.stay < 1 else 0.0
    return int(max(RUN_FACTOR * run.longest, chance, SHORTEST_RUN))
