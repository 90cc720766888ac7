"""What a rule that is fitted again and again would have brought on rows it had not seen: unit by unit, in time."""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.records import Column
from setpoint.domain.value import value
from setpoint.stats.paired import mean_interval, variance_inflation

UNITS = 6  # the last ones, on which a rule proves itself
FADING = 0.7  # weight of a unit beside the one after it, where the latest count most
Rule = TypeVar("Rule")
Rows = NDArray[np.int64]
KnownAt = Callable[[int], Rows]  # which rows may be learnt from before the row of a number is answered


@value
class Proof:
    """What a rule saved a row, in the unit of the loss, and its standard error; `low` is its one-sided 5 % bound."""

    gain: float = 0.0
    se: float = math.inf
    low: float = -math.inf
    rows: int = 0


def walk_forward(
    count: int,
    unit_rows: int,
    known_at: KnownAt,
    fit: Callable[[Rows], Rule],
    gains: Callable[[Rule, Rows], Column],
) -> Column:
    """Fit a rule anew before each of the last units, and let it answer the unit; return what it saves on each row.

    Parameters
    ----------
    count : int
        Rows there are, in the order of time.
    unit_rows : int
        Rows of a unit; the last one ends with the last row.
    known_at : callable
        Returns which rows may be learnt from before the row of a number is answered: `in_time` or `at_once`.
    fit : callable
        Makes a rule of the numbers of rows.
    gains : callable
        Returns what a rule saves on each of some rows.

    References
    ----------
    A. P. Dawid, "Statistical theory: the prequential approach", JRSS A 147, 1984.
    """
    found = [np.zeros(0)]
    for end in range(count, 0, -unit_rows)[:UNITS][::-1]:
        unit = np.arange(max(0, end - unit_rows), end)
        found.append(gains(fit(known_at(int(unit[0]))), unit))
    return np.concatenate(found)


def in_time(time: Column, known: Column) -> KnownAt:
    """Let a rule learn from the rows whose outcome was known when the row was answered."""
    return lambda row: np.flatnonzero(known[:row] <= time[row])


def at_once(row: int) -> Rows:
    """Let a rule learn from all rows before, as if outcomes were known at once: it sees a change earlier."""
    return np.arange(row)


def known_before(known: Column, time: Column) -> KnownAt:
    """Let a rule learn from other rows whose outcome was known when the row was answered."""
    return lambda row: np.flatnonzero(known <= time[row])


def asked_before(asked: Column, time: Column) -> KnownAt:
    """Let a rule learn from other rows that were asked before it, as if outcomes were known at once."""
    return lambda row: np.flatnonzero(asked < time[row])


def proof_of(saved: Column) -> Proof:
    """Return the mean of what was saved."""
    if len(saved) < 2:
        return Proof(rows=len(saved))
    interval = mean_interval(saved, level=0.9)
    return Proof(gain=interval.mean, se=_error(saved), low=interval.low, rows=len(saved))


def latest_first(saved: Column, unit_rows: int) -> Proof:
    """Return the mean in which each unit weighs 0.7 of the one after it."""
    if len(saved) < 2:
        return Proof(rows=len(saved))
    weight = FADING ** (np.arange(len(saved))[::-1] // unit_rows)
    weight /= weight.sum()
    gain, se = float(weight @ saved), _error(saved) * math.sqrt(len(saved) * float(weight @ weight))
    return Proof(gain=gain, se=se, low=gain - 1.645 * se, rows=len(saved))


def _error(saved: Column) -> float:
    return float(saved.std(ddof=1)) * math.sqrt(variance_inflation(saved) / len(saved))
