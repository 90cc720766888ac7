"""A column by stretch of the period, with the band in which it is natural."""

import math

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.profile import ColumnProfile, Counted
from setpoint.domain.series import ColumnSeries
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.overview.values import Numbers, Trace
from setpoint.stats.distances import expected_variation

NATURAL = 2.576  # standard deviations on either side hold 99 % of natural stretches

FloatArray = NDArray[np.float64]


def history_of(series: ColumnSeries, reference: ColumnProfile, limits: ColumnLimits | None) -> Trace | None:
    """Return the mean of a number by stretch, or the share of the level that moved most; None of times."""
    match series.cuts.kind:
        case Counted.DATETIME:
            return None
        case Counted.CATEGORICAL:
            return _share(series, reference, limits)
        case Counted.BOOLEAN:
            return _mean("share that is true", series, reference, limits)
        case Counted.TEXT:
            return _mean("mean length", series, reference, None)
        case Counted.NUMERIC:
            return _mean("mean", series, reference, limits)


def nulls_of(series: ColumnSeries, limits: ColumnLimits | None) -> Trace:
    """Return the share of nulls by stretch."""
    rows = series.rows
    shares = np.divide(series.nulls, rows, out=np.full(len(rows), np.nan), where=rows > 0)
    return Trace(name="nulls", values=numbers(shares), line=limits.nulls if limits else None)


def numbers(array: FloatArray) -> Numbers:
    """Return numbers as a tuple, None for what is not finite."""
    return tuple(v if math.isfinite(v) else None for v in array.tolist())


@np.errstate(over="ignore", invalid="ignore")
def _mean(name: str, series: ColumnSeries, reference: ColumnProfile, limits: ColumnLimits | None) -> Trace:
    centre = reference.mean if math.isfinite(reference.mean) else None
    trace = Trace(name=name, values=numbers(series.mean), line=centre)
    if limits is None or not limits.movements or centre is None:
        return trace
    rows = series.finite
    half = np.array([_level(limits, n) if n else np.nan for n in rows.tolist()]) * limits.std * NATURAL
    return Trace(name=name, values=trace.values, low=numbers(centre - half), high=numbers(centre + half), line=centre)


def _level(limits: ColumnLimits, rows: int) -> float:
    """Return how far means of so many rows move by themselves, in reference standard deviations."""
    found = limits.movement(rows)
    return found.level if found else math.nan


def _share(series: ColumnSeries, reference: ColumnProfile, limits: ColumnLimits | None) -> Trace | None:
    """Return the share of the level whose share moved most since the reference."""
    filled, known = series.filled, reference.every_level
    n, m = int(filled.sum()), max(sum(known.values()), 1)
    now = dict(zip(series.names, series.levels.sum(axis=0).tolist(), strict=True))
    moved = {v: abs(now.get(v, 0) / max(n, 1) - known.get(v, 0) / m) for v in {**now, **reference.levels}}
    if not moved or not n:
        return None
    level = max(sorted(moved), key=lambda v: moved[v])
    counts = series.counts([level])[:, 0]
    shares = np.divide(counts, filled, out=np.full(len(filled), np.nan), where=filled > 0)
    usual = known.get(level, 0) / m
    half = NATURAL * np.sqrt(_dispersion(limits, known) * usual * (1 - usual) / np.maximum(filled, 1))
    half[filled == 0] = np.nan
    return Trace(
        name=f"share of {level!r}",
        values=numbers(shares),
        low=numbers(np.maximum(usual - half, 0.0)),
        high=numbers(np.minimum(usual + half, 1.0)),
        line=usual,
    )


def _dispersion(limits: ColumnLimits | None, known: dict[str, int]) -> float:
    """Return how much more blocks of the reference differ than independent rows would: the variance, as a factor."""
    block = limits.shortest if limits else None
    if block is None or not known:
        return 1.0
    counts = np.array(list(known.values()), np.float64)
    natural = expected_variation(counts / counts.sum(), block.rows, counts.sum())
    return max((block.shape / natural) ** 2, 1.0) if natural else 1.0
