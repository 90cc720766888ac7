"""Counts of many stretches of columns side by side, and their sums: what profiles are made of, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.cuts import Counted, Cuts
from setpoint.domain.far import FAR
from setpoint.domain.texts import BUCKETS, HOURS, hashed

MARKS = 1_000  # the number of the first count beside the bins: hours of the week, trigrams, or sizes outside the edges
LEVELS = 4_096  # the number of the first level

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of n entries, each one column of one stretch of records; arrays have shape (n,), but for the cells.

    `column` says which column of the binning an entry counts. `infinite` rows are in the outer bins too, and in no sum;
    `odd` ones are texts that are no time. `total` and `squares` are sums of distances from the column's origin; `low`
    and `high` are extremes of finite values, infinite where there is none.

    The cells hold what is counted in each entry, in order of `entry` and `slot`, shape (m,): a slot is a bin, `MARKS`
    and an hour or bucket, or `LEVELS` and a place in `names`.
    """

    column: IntArray
    nulls: IntArray
    infinite: IntArray
    odd: IntArray
    others: IntArray
    total: FloatArray
    squares: FloatArray
    low: FloatArray
    high: FloatArray
    entry: IntArray
    slot: IntArray
    count: IntArray
    names: Sequence[str] = ()

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.column)


def nothing(column: IntArray) -> Tally:
    """Return entries that count no rows: the identity."""
    n, none = len(column), np.zeros(0, np.int64)
    return Tally(
        column=column,
        nulls=np.zeros(n, np.int64),
        infinite=np.zeros(n, np.int64),
        odd=np.zeros(n, np.int64),
        others=np.zeros(n, np.int64),
        total=np.zeros(n),
        squares=np.zeros(n),
        low=np.full(n, np.inf),
        high=np.full(n, -np.inf),
        entry=none,
        slot=none,
        count=none,
    )


def summed(tally: Tally, place: IntArray, column: IntArray, cuts: Sequence[Cuts]) -> Tally:
    """Return sums of entries.

    Parameters
    ----------
    place : ndarray of shape (n,)
        The entry of the result that each one goes into.
    column : ndarray of shape (k,)
        The column of each entry of the result.
    cuts : sequence of Cuts
        By column: they bound the levels that are counted apart.
    """
    whole = nothing(column)
    for name in ("nulls", "infinite", "odd", "others", "total", "squares"):
        np.add.at(getattr(whole, name), place, getattr(tally, name))
    np.minimum.at(whole.low, place, tally.low)
    np.maximum.at(whole.high, place, tally.high)
    width = LEVELS + len(tally.names)
    key, count = gathered(place[tally.entry] * width + tally.slot, tally.count)
    return bounded(replace(whole, entry=key // width, slot=key % width, count=count, names=tally.names), cuts)


def part(tally: Tally, first: int, last: int) -> Tally:
    """Return the entries from `first` to before `last`."""
    low, high = np.searchsorted(tally.entry, (first, last))
    numbers = ("column", "nulls", "infinite", "odd", "others", "total", "squares", "low", "high")
    return replace(
        tally,
        **{name: getattr(tally, name)[first:last] for name in numbers},
        entry=tally.entry[low:high] - first,
        slot=tally.slot[low:high],
        count=tally.count[low:high],
    )


def gathered(key: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
    """Return each key once, in order, with the sum of its counts."""
    if not len(key):
        return key, count
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    return key[first], np.add.reduceat(count[order], first)


def counted(key: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return each key below `size` that occurs, in order, and how often it does."""
    if size <= 4 * len(key) + 65_536:
        counts = np.bincount(key, minlength=1)
        found = np.flatnonzero(counts)
        return found, counts[found]
    found, counts = np.unique(key, return_counts=True)
    return found, counts


def bounded(tally: Tally, cuts: Sequence[Cuts]) -> Tally:
    """Keep of the unknown levels of each entry those with the smallest hashes; the rows of all others are one number.

    A level among the smallest of a whole is among the smallest of each part that has it, so its count is exact: the
    bottom-k sketch of Cohen & Kaplan, "Summarizing data using bottom-k sketches", PODC 2007.
    """
    at = np.flatnonzero(tally.slot >= LEVELS)
    if not len(at):
        return tally
    spare = np.array([c.spare for c in cuts], np.int64)[tally.column]
    many = np.bincount(tally.entry[at], minlength=len(tally)) > spare
    at = at[many[tally.entry[at]]]
    if not len(at):
        return tally
    known = [frozenset(c.levels) for c in cuts]
    names = [tally.names[s - LEVELS] for s in tally.slot[at].tolist()]
    columns = tally.column[tally.entry[at]].tolist()
    at = at[[name not in known[column] for name, column in zip(names, columns, strict=True)]]
    drop = at[_ranks(tally, at) >= spare[tally.entry[at]]]
    if not len(drop):
        return tally
    others = tally.others.copy()
    np.add.at(others, tally.entry[drop], tally.count[drop])
    keep = np.ones(len(tally.slot), dtype=bool)
    keep[drop] = False
    return replace(tally, others=others, entry=tally.entry[keep], slot=tally.slot[keep], count=tally.count[keep])


def _ranks(tally: Tally, at: IntArray) -> IntArray:
    """Return which place each of these cells has among those of its entry, by hash."""
    levels, level = np.unique(tally.slot[at], return_inverse=True)
    hashes = np.array([hashed(tally.names[s - LEVELS]) for s in levels.tolist()], np.uint64)[level]
    entry = tally.entry[at]
    order = np.lexsort((hashes, entry))
    ordered = entry[order]
    ranks = np.empty(len(at), np.int64)
    ranks[order] = np.arange(len(at)) - np.searchsorted(ordered, ordered, side="left")
    return ranks


def marks_kept(cuts: Cuts, some: bool) -> int:
    """Return how many marks an array holds: most windows of numbers have none, and no room is kept for them."""
    return marks_of(cuts) if some or cuts.kind != Counted.NUMERIC else 0


def marks_of(cuts: Cuts) -> int:
    """Return how many hours or buckets a column has beside its bins."""
    return {Counted.DATETIME: HOURS, Counted.TEXT: BUCKETS, Counted.NUMERIC: FAR}.get(cuts.kind, 0)
