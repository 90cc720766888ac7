"""A measurement that comes back to one value again and again, among others: a part of its senders stands still."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Column, Records, moment
from setpoint.monitor.horizons import surest
from setpoint.monitor.newest import level_over, measurements, newest
from setpoint.monitor.repeats import repeated, row_codes
from setpoint.monitor.seen import Seen
from setpoint.stats.intervals import share_high, share_low
from setpoint.stats.returns import natural_share, returns

FACTOR, FLOOR = 2.5, 0.02  # times the most natural share, and a share that nobody minds
FEWEST_VALUES = 12  # of a measurement; a code comes again because it must
EXAMPLES = 5

Mask = NDArray[np.bool_]


def atoms(seen: Seen) -> Iterator[Finding]:
    """Report measurements of which one value comes far more often than the commonest one ever did.

    What counts are returns: rows that hold the value of those whose row before holds another. So a clock, a month or a
    slow sensor, which keep a value for long and leave it for good, return to none. The lower Clopper–Pearson bound of
    the commonest value's share must pass what is natural, plus 2 %: 2.5 times the largest such share in any as long
    stretch of the last weeks, or less where this value never was so common, see `natural_share`. Its error is divided
    among columns, windows, and the values it may be. Rows that repeat an earlier one in all columns are left to
    `repeats`.
    """
    columns = measurements(seen)
    yield from surest([f for before, window in newest(seen) for f in _of_window(seen, columns, before, window)])


def _of_window(seen: Seen, names: Mapping[str, object], before: Records, window: Records) -> Iterator[Finding]:
    since, until = moment(window.time[0]), moment(window.time[-1])
    alpha = level_over(seen, window, len(names))
    new = ~repeated(row_codes(window.inputs))
    for name in names:
        if _commonest(window.inputs[name], new) < FLOOR / 2:  # below half of its limit a finding is told nobody
            continue
        values, codes = np.unique(np.concatenate([before.inputs[name], window.inputs[name]]), return_inverse=True)
        real = int((~np.isnan(values)).sum())
        codes = np.where(codes < real, codes, -1)
        if np.count_nonzero(np.bincount(codes[: len(before)] + 1)) < FEWEST_VALUES:
            continue
        found = returns(codes[len(before) :], len(window), new)
        hits, tried, at = int(found.hits[0]), int(found.tried[0]), int(found.code[0])
        if not hits:
            continue
        past, now = codes[: len(before)], codes[len(before) :]
        most = float(returns(past, len(window)).share.max())
        natural = min(FACTOR * most, natural_share(past, now, len(window), at))
        limit, level = min(natural + FLOOR, 1.0), alpha / real
        low = share_low(hits, tried, level)
        yield Finding(
            monitor="data_quality",
            metric="repeated_value",
            column=name,
            since=since,
            until=until,
            rows=len(window),
            value=hits / tried,
            limit=limit,
            alarm=bool(low > limit),
            low=low,
            high=share_high(hits, tried, level),
            kind="frozen",
            detail=f"{hits} of {tried} rows that follow another value hold {values[at]:.6g}; "
            f"up to {natural:.1%} would be natural after the last weeks",
            examples=tuple(str(i) for i in window.id[window.inputs[name] == values[at]][:EXAMPLES]),
        )


def _commonest(column: Column, new: Mask) -> float:
    """Return the share of the commonest value among the rows that follow another one."""
    codes = np.where(np.isnan(column), -1, np.unique(column, return_inverse=True)[1])
    return float(returns(codes, len(codes), new).share[0])
