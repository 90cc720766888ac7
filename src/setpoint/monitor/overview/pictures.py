"""Distributions as a few bars: the reference and now, side by side."""

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.profile import ColumnProfile, Counted
from setpoint.monitor.changes.curves import Curve, curve_of
from setpoint.monitor.changes.few import few_values
from setpoint.monitor.overview.values import Bars

RANGES = 24  # bars of a number
VALUES = 32  # whole numbers that have a bar each
LEVELS = 8  # bars of levels; the others are one
TAIL = 0.005  # of the rows on each side that need not have a bar of their own

FloatArray = NDArray[np.float64]


def bars_of(reference: ColumnProfile, now: ColumnProfile) -> Bars | None:
    """Return both distributions over the same bars; None where there is nothing to show."""
    kind = reference.cuts.kind
    if kind == Counted.DATETIME or not (reference.filled or now.filled):
        return None
    if kind == Counted.CATEGORICAL:
        return _levels(reference.every_level, now.every_level)
    names, inner = few_values(reference), slice(None) if kind == Counted.BOOLEAN else slice(1, -1)
    if (
        0 < len(names) <= LEVELS
        and len(names) == len(reference.bins[inner])
        and now.bins[inner].sum() == now.bins.sum()
    ):
        return Bars(reference=_shares(reference.bins[inner]), now=_shares(now.bins[inner]), labels=names)
    return _values(reference, now) or _ranges(reference, now)


def _values(reference: ColumnProfile, now: ColumnProfile) -> Bars | None:
    """Return a bar for each value of a column whose every bin holds one; None where numbers lie elsewhere."""
    values, inner = reference.cuts.edges[1:], slice(1, -1)
    whole = len(values) <= VALUES and all(v == round(v) for v in values)
    if not whole or len(values) < 2 or now.bins[inner].sum() < now.bins.sum():
        return None
    names = tuple(f"{v:g}" for v in values)
    return Bars(reference=_shares(reference.bins[inner]), now=_shares(now.bins[inner]), labels=names)


def _shares(counts: NDArray[np.int64]) -> tuple[float, ...]:
    total = int(counts.sum())
    return tuple((counts / total).tolist()) if total else ()


def _levels(reference: dict[str, int], now: dict[str, int]) -> Bars:
    """Return the most frequent levels of either, and the rest as one."""
    n, m = max(sum(reference.values()), 1), max(sum(now.values()), 1)
    weight = {v: max(reference.get(v, 0) / n, now.get(v, 0) / m) for v in {**reference, **now}}
    most = sorted(weight, key=lambda v: (-weight[v], v))[:LEVELS]
    counts = [np.array([part.get(v, 0) for v in most] + [sum(part.values()) - sum(part.get(v, 0) for v in most)])
              for part in (reference, now)]  # fmt: skip
    rest = bool(counts[0][-1] or counts[1][-1])
    cut = slice(None) if rest else slice(-1)
    labels = (*most, "all others") if rest else tuple(most)
    return Bars(reference=_shares(counts[0][cut]), now=_shares(counts[1][cut]), labels=labels)


@np.errstate(over="ignore", invalid="ignore")
def _ranges(reference: ColumnProfile, now: ColumnProfile) -> Bars | None:
    curves = [curve_of(p) if np.isfinite(p.low) and p.finite else None for p in (reference, now)]
    known = [curve for curve in curves if curve is not None]
    if not known:
        return None
    ends = np.array([curve.quantile(np.array([TAIL, 1 - TAIL])) for curve in known])
    low, high = float(ends.min()), float(ends.max())
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges: FloatArray = low + (high / RANGES - low / RANGES) * np.arange(RANGES + 1, dtype=np.float64)
    if not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0):
        return None
    first, second = (_mass(curve, edges) if curve is not None else () for curve in curves)
    return Bars(reference=first, now=second, edges=tuple(edges.tolist()))


def _mass(curve: Curve, edges: FloatArray) -> tuple[float, ...]:
    """Return the share of rows between edges; the outer bars hold all that lies beyond."""
    up_to = curve(edges)
    up_to[0], up_to[-1] = 0.0, 1.0
    return tuple(np.maximum(np.diff(up_to), 0.0).tolist())
