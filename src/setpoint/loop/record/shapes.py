"""How a column lay before and since: the shares of a few ranges or levels."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from setpoint.domain.records import Column, Records
from setpoint.monitor.overview.values import Bars

RANGES = 24
LEVELS = 8
TAIL = 0.005  # of the rows on each side that need no bar of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A column before and since: its distribution, and the shares that are missing; None where no row is."""

    column: str
    bars: Bars | None
    missing_before: float
    missing: float


def shape_of(column: str, before: Records, since: Records) -> Shape | None:
    """Return how a column lay before and since; None where there are no rows of one of them."""
    if not len(before) or not len(since):
        return None
    first, second = before.inputs[column], since.inputs[column]
    lost = [float(np.mean(_missing(part))) for part in (first, second)]
    known = [part[~_missing(part)] for part in (first, second)]
    bars = None
    if all(len(part) for part in known):
        bars = _levels(*known) if first.dtype == object else _ranges(*known)
    return Shape(column=column, bars=bars, missing_before=lost[0], missing=lost[1])


def _missing(column: Column) -> Column:
    if column.dtype == object:
        return np.array([v is None for v in column], bool)
    return ~np.isfinite(column.astype(np.float64))


def _ranges(before: Column, since: Column) -> Bars:
    ends = np.array([np.quantile(part.astype(np.float64), [TAIL, 1 - TAIL]) for part in (before, since)])
    low, high = float(ends.min()), float(ends.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, RANGES + 1)
    shares = [
        np.histogram(np.clip(part.astype(np.float64), low, high), edges)[0] / len(part) for part in (before, since)
    ]
    return Bars(reference=tuple(shares[0].tolist()), now=tuple(shares[1].tolist()), edges=tuple(edges.tolist()))


def _levels(before: Column, since: Column) -> Bars:
    """Return the most frequent levels of either, and the rest as one."""
    counts = [Counter(map(str, part)) for part in (before, since)]
    sizes = [len(before), len(since)]
    weight = {v: max(c[v] / n for c, n in zip(counts, sizes, strict=True)) for v in {**counts[0], **counts[1]}}
    names = sorted(weight, key=lambda v: (-weight[v], v))[:LEVELS]
    shares = [[c[v] / n for v in names] for c, n in zip(counts, sizes, strict=True)]
    rest = [1 - sum(part) for part in shares]
    if max(rest) > 1e-9:
        names, shares = [*names, "all others"], [[*part, left] for part, left in zip(shares, rest, strict=True)]
    return Bars(reference=tuple(shares[0]), now=tuple(shares[1]), labels=tuple(names))
