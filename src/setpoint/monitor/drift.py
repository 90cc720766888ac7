"""Sudden drift: the newest window against the blocks before it, under the movement that they show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.cuts import Counted
from setpoint.domain.finding import Finding
from setpoint.domain.series import ColumnSeries
from setpoint.domain.value import replace
from setpoint.monitor.horizons import Horizon
from setpoint.monitor.limits import ColumnLimits
from setpoint.monitor.moments import BLIND, Moments, moments
from setpoint.monitor.scope import Scope
from setpoint.monitor.seen import Seen
from setpoint.monitor.steps import step_kind
from setpoint.stats.blocks import Step, step
from setpoint.stats.distances import expected_variation, total_variation
from setpoint.stats.intervals import t_quantile

LOCATION_FLOOR = 0.25  # reference standard deviations
SCALE_FLOOR = 0.25  # of the logarithm of the standard deviation
VARIATION_FLOOR = 0.10  # share of rows that changed their category
CAUTION = 1.25  # times the worst step that the reference holds
BLOCK_ROWS = 8  # of a block whose shares count
STATISTICS = 2 * 2  # location and scale, to two sides

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Test:
    """One column in one window, and the error that its tests may have."""

    seen: Seen
    scope: Scope
    horizon: Horizon
    name: str
    limits: ColumnLimits
    alpha: float

    @property
    def now(self) -> ColumnSeries:
        return self.horizon.now.columns[self.name]

    @property
    def before(self) -> ColumnSeries:
        return self.horizon.before.columns[self.name]

    def finding(self, metric: str, effect: float, width: float, floor: float, detail: str) -> Finding:
        return Finding(
            monitor="drift",
            metric=metric,
            column=self.name,
            segment=self.scope.segment or None,
            version=self.scope.version,
            role=self.scope.role,
            since=self.horizon.since,
            until=self.seen.now,
            rows=self.horizon.rows,
            value=float(effect),
            limit=float(floor + width),
            alarm=bool(effect - width > floor),
            low=float(effect - width),
            high=float(effect + width),
            detail=detail,
        )


def sudden_drift(seen: Seen, scope: Scope, horizons: Sequence[Horizon]) -> Iterator[Finding]:
    """Report columns (and the score) that left the last weeks at once.

    The window is one block or several; the time before it is cut into blocks of the same length, and the newest must
    lie outside what they foretell: |effect| − t·se above a floor, where t is widened to 1.25 times the worst step that
    the reference itself made. Single hours are compared with the same hour of other days. The season is in the blocks,
    so it needs no model; slow change is left to `slow_drift`.
    """
    watched = {name: limits for name, limits in scope.watched.items() if not limits.stepwise}
    tests = STATISTICS * max(len(watched), 1) * len(horizons) * scope.divided
    for horizon in horizons:
        alpha = seen.level(tests, seen.separate(seen.now - horizon.since))
        for name, limits in watched.items():
            yield from _column(_Test(seen, scope, horizon, name, limits, alpha))


def _column(test: _Test) -> Iterator[Finding]:
    kind = test.now.cuts.kind
    if kind in (Counted.CATEGORICAL, Counted.TEXT):
        if (test.before.rows >= BLOCK_ROWS).any():
            yield _levels(test)
    elif kind != Counted.DATETIME and test.limits.std > 0:
        yield from _numbers(test) if len(test.horizon.before) else _against_reference(test)


def _numbers(test: _Test) -> Iterator[Finding]:
    now, before = moments(test.now, test.limits), moments(test.before, test.limits)
    movement, thinner = test.limits.movement(int(now.rows.max())), _thinner(now, before)
    (usual, worst), (usual_spread, worst_spread) = (
        (movement.level_step, movement.spread_step) if movement else ((0.0, 0.0), (0.0, 0.0))
    )
    level = _step(test.horizon, before.mean, now.mean, usual, thinner)
    spread = _step(test.horizon, before.log_std, now.log_std, usual_spread, thinner / 2)
    still = test.now.low.min() == test.now.high.max()
    kind = ("frozen", "") if still else step_kind(level, spread, test.limits.std)
    yield from _judged(test, "drift_location", level, worst, LOCATION_FLOOR, test.limits.std, kind)
    if test.now.cuts.kind != Counted.BOOLEAN:
        yield from _judged(test, "drift_scale", spread, worst_spread, SCALE_FLOOR, 0.0, kind)


def _thinner(now: Moments, before: Moments) -> float:
    """Return the variance that the window's mean has beyond that of a block before, for it has fewer rows."""
    rows = max(float(np.median(before.rows)), 1.0)
    inside = float(np.nanmean(np.append(np.square(before.std), 0.0)))
    return inside * max(1 / max(float(now.rows.min()), 1.0) - 1 / rows, 0.0)


def _step(horizon: Horizon, before: FloatArray, now: FloatArray, usual: float, thinner: float) -> Step:
    """Foretell the window by the blocks before it; hours by the same hour of other days."""
    usually = 0.0
    if horizon.phase is not None:
        level, count = _by_phase(before, horizon.phase)
        before = (before - level[horizon.phase]) * np.sqrt(count / (count - 1))[horizon.phase]
        usually = float(level[horizon.phase_now])
    found = step(before[:, None], now[:, None] - usually, max(usual, BLIND))
    se = np.sqrt(np.square(found.se) + thinner)
    return Step(found.expected + usually, found.effect, se, found.freedom)


def _by_phase(values: FloatArray, phase: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the values of each hour of the day, and how many it is of (2 at least), shape (24,)."""
    real = ~np.isnan(values)
    count = np.bincount(phase[real], minlength=24)
    total = np.bincount(phase[real], weights=values[real], minlength=24)
    return total / np.maximum(count, 1), np.maximum(count, 2.0)


def _judged(
    test: _Test, metric: str, one: Step, worst: float, floor: float, unit: float, kind: tuple[str, str]
) -> Iterator[Finding]:
    """Judge one column's step; `unit` is the reference's standard deviation, 0 for a logarithm of deviations."""
    se, effect, expected = float(one.se[0]), float(one.effect[0]), float(one.expected[0])
    if not np.isfinite(se):
        return
    width = se * _cautious(t_quantile(test.alpha, float(one.freedom[0])), worst)
    if unit:
        mean, foretold = unit * (expected + effect), unit * expected
        text = f"mean {mean:.6g}, expected {foretold:.6g} ± {unit * width:.3g} from the last weeks"
    else:
        times, natural = np.exp(effect), np.exp(width)
        text = f"standard deviation {times:.3g} times that of the last weeks, natural within a factor {natural:.3g}"
    found = test.finding(metric, abs(effect), width, floor, text)
    yield _called(found, *kind) if found.alarm else found


def _called(finding: Finding, kind: str, conversion: str) -> Finding:
    detail = f"as if {conversion}; {finding.detail}" if conversion else finding.detail
    return replace(finding, kind=kind, detail=detail)


def _cautious(t: float, worst: float) -> float:
    """Widen a quantile to what the reference itself has shown, to twice at most."""
    return max(t, min(CAUTION * worst, 2 * t))


def _levels(test: _Test) -> Finding:
    """Judge the shares of levels (of a text, those of its lengths) and of nulls."""
    before, now = _counts(test.before, test.limits), _counts(test.now, test.limits).sum(axis=0)
    rows = before.sum(axis=1)
    before, rows = before[rows >= BLOCK_ROWS], rows[rows >= BLOCK_ROWS]
    whole = before.sum(axis=0)
    share = whole / whole.sum()
    others = (whole - before) / (whole.sum() - rows)[:, None]
    natural = total_variation(before / rows[:, None], others) - [
        expected_variation(share, n, whole.sum()) for n in rows
    ]
    found = float(total_variation(now / now.sum(), share)) - expected_variation(share, now.sum(), whole.sum())
    movement = test.limits.movement(int(now.sum()))
    usual, worst = movement.shape_step if movement else (0.0, 0.0)
    thinner = max(1 / now.sum() - 1 / float(np.median(rows)), 0.0) / 4
    one = step(natural[:, None], np.array([[found]]), max(usual, BLIND * float(np.abs(natural).mean())))
    se = float(np.hypot(one.se[0], np.sqrt(thinner)))
    width = float(one.expected[0]) + se * _cautious(t_quantile(test.alpha, float(one.freedom[0])), worst)
    text = f"{found:.1%} of rows changed category; {width:.1%} is natural from the last weeks"
    return test.finding("drift_tv", found, width, VARIATION_FLOOR, text)


def _counts(column: ColumnSeries, limits: ColumnLimits) -> NDArray[np.int64]:
    """Return the rows of each level of the reference, of others, and of nulls, shape (n_blocks, n)."""
    if column.bins.shape[1]:
        return np.column_stack([column.bins, column.nulls])
    known = column.counts(limits.levels)
    return np.column_stack([known, column.filled - known.sum(axis=1), column.nulls])


def _against_reference(test: _Test) -> Iterator[Finding]:
    """Judge by the movement of the reference's own blocks, where there is no baseline yet: a wide limit."""
    now, limits = moments(test.now, test.limits), test.limits
    rows = int(now.rows.sum())
    movement, known = limits.movement(rows), test.scope.known(test.name)
    unknown = test.scope.segment and known is None
    if unknown or movement is None or rows < movement.rows or np.isnan(now.mean).all():
        return
    mean = float(np.nansum(now.mean * now.rows) / now.rows[~np.isnan(now.mean)].sum())
    usual = known.mean if known and known.finite else limits.mean
    effect = mean - usual / limits.std
    width = max(movement.level, BLIND) * t_quantile(test.alpha, movement.blocks - 1)
    text = f"mean {limits.std * mean:.6g}, the reference's blocks have {usual:.6g} ± {limits.std * width:.3g}"
    yield test.finding("drift_location", abs(effect), width, LOCATION_FLOOR, text)
