"""Slow drift: the last day and the last week against the reference. A season shows here too: it is drift, no fault."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.profile import ColumnProfile, Profile
from setpoint.domain.schema import Kind
from setpoint.monitor.limits import ColumnLimits, Movement
from setpoint.monitor.naming import named
from setpoint.monitor.scope import Scope, floored
from setpoint.monitor.seen import Seen
from setpoint.stats.distances import bin_scores, kolmogorov_smirnov, pooled, total_variation
from setpoint.stats.intervals import t_quantile

FLOORS = {"drift_location": 0.05, "drift_scale": 0.05, "drift_ks": 0.025, "drift_tv": 0.02}
FEWEST_ROWS = 24
ENOUGH_BLOCKS = 20
CAUTION = 1.25  # times the largest effect of any block of the reference
NOTE = "a season that the reference does not hold looks the same"

FloatArray = NDArray[np.float64]


def slow_drift(seen: Seen, scope: Scope) -> Iterator[Finding]:
    """Report columns whose day or week differs from the reference by more than the reference's own blocks do.

    Effects and floors are those of binned scores: location, scale, Kolmogorov–Smirnov; total variation for categories.
    Columns that stay on one value for long, as a month does, differ from the reference by the calendar alone: left out.
    """
    if scope.reference is None:
        return
    tests = 2 * 5 * max(len(scope.watched), 1) * scope.divided  # horizons; two effects have two sides
    for days in (1, 7):
        length = timedelta(days=days)
        alpha = seen.level(tests, min(seen.looks, 2 * 365 / days))
        profile = scope.since(floored(seen.now - length, scope.hours.every)).profile()
        found = list(_window(seen, scope, scope.reference, profile, length, alpha))
        yield from named(found, scope.reference, profile)


def _window(
    seen: Seen, scope: Scope, reference: Profile, profile: Profile, length: timedelta, alpha: float
) -> Iterator[Finding]:
    for name, window in profile.columns.items():
        limits, base = scope.limits.columns.get(name), reference.columns.get(name)
        if limits is None or base is None or limits.stepwise or not limits.movements or window.filled < FEWEST_ROWS:
            continue
        for metric, effect, width in _effects(window, base, limits, alpha):
            floor = FLOORS[metric]
            yield Finding(
                monitor="drift",
                metric=f"{metric}_slow",
                column=name,
                segment=scope.segment or None,
                version=scope.version,
                role=scope.role,
                since=seen.now - length,
                until=seen.now,
                rows=window.filled,
                value=effect,
                limit=floor + width,
                alarm=bool(effect - width > floor),
                low=effect - width,
                high=effect + width,
                detail=f"against the reference over {length.days} d; {NOTE}",
            )


def _effects(
    window: ColumnProfile, reference: ColumnProfile, limits: ColumnLimits, alpha: float
) -> Iterator[tuple[str, float, float]]:
    """Yield metric, effect, and how much of it is natural at this size."""
    n, m = window.filled, reference.filled
    if limits.kind is Kind.CATEGORICAL:
        w, p = _levels(window, reference)
        yield "drift_tv", float(total_variation(w, p)), natural(limits, "shape", n, m, alpha)
        return
    w, p = window.bins / n, reference.bins / m
    s, q = bin_scores(p)
    yield "drift_location", abs(float(w @ s)), natural(limits, "location", n, m, alpha)
    yield "drift_scale", abs(float(w @ q)), natural(limits, "scale", n, m, alpha)
    yield "drift_ks", float(kolmogorov_smirnov(w, p)), natural(limits, "shape", n, m, alpha)


def _levels(window: ColumnProfile, reference: ColumnProfile) -> tuple[FloatArray, FloatArray]:
    """Return the shares of the levels in both; of a text, those of its lengths."""
    if reference.bins.size:
        return window.bins / window.filled, reference.bins / reference.filled
    return pooled(window.every_level, reference.every_level)


def natural(limits: ColumnLimits, field: str, n: int, m: int, alpha: float) -> float:
    """Return the largest natural effect between n rows and a reference of m rows."""
    t = t_quantile(alpha, max(limits.movements[horizon_of(limits, n)].blocks - 1, 1))
    most = CAUTION * _at(limits, f"{field}_most", n)
    if field == "shape":
        spread = float(np.hypot(_at(limits, "shape_sd", n), _at(limits, "shape_sd", m)))
        return max(_at(limits, "shape", n) + t * spread, most)
    return max(t * float(np.hypot(_at(limits, field, n), _at(limits, field, m))), most)


def horizon_of(limits: ColumnLimits, rows: int) -> int:
    """Return which movement speaks for so many rows: the longest below them that is known from enough blocks."""
    within = [at for at, m in enumerate(limits.movements) if m.rows <= rows] or [0]
    return max((at for at in within if limits.movements[at].blocks >= ENOUGH_BLOCKS), default=within[-1])


def _at(limits: ColumnLimits, field: str, rows: int) -> float:
    """Return a movement at any size.

    Up to the longest horizon nothing is assumed to average out further. Beyond it independent rows fall as rows^−½,
    while movement that does not average out stays; the fall over the last horizons tells which.
    """
    known, at = limits.movements, horizon_of(limits, rows)
    last = known[at]
    if at == 0 or rows < 2 * known[-1].rows:
        return float(getattr(last, field))
    return float(getattr(last, field) * (rows / last.rows) ** slope_of(known[max(at - 3, 0)], last, field))


def slope_of(earlier: Movement, last: Movement, field: str) -> float:
    """Return the power of the rows by which a movement falls: −½ where they are independent, 0 where it stays."""
    first, second = getattr(earlier, field), getattr(last, field)
    if first <= 0 or second <= 0:
        return 0.0
    return float(np.clip(np.log(second / first) / np.log(last.rows / earlier.rows), -0.5, 0.0))
