"""Data quality of the newest windows: nulls, values out of range, unseen categories, refused requests."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.domain.far import beyond
from setpoint.domain.finding import Finding
from setpoint.domain.schema import Kind
from setpoint.domain.series import ColumnSeries, Series
from setpoint.monitor.horizons import Horizon
from setpoint.monitor.limits import WIDENED, ColumnLimits
from setpoint.monitor.scope import Scope
from setpoint.monitor.seen import PARTS, Seen
from setpoint.monitor.service import OWN_FAULTS
from setpoint.stats.intervals import share_high, share_low

FLOOR = 0.02  # share of rows that nobody minds
REFUSED_FLOOR = 0.05  # share of requests that callers may get wrong
TAIL = 0.01  # of the stretches before that may lie outside the range they stand for
KNOWN = 3  # rows of the baseline that make a category known
RULES = 3  # a column is tested by

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Window:
    """One window of a scope, the sound hours before it, and the error that a test may have."""

    seen: Seen
    scope: Scope
    horizon: Horizon
    past: Series
    alpha: float

    def share(self, metric: str, column: str, hits: int, natural: float, movement: float, detail: str) -> Finding:
        """Judge how many rows of the window have something wrong with a column."""
        rows = self.horizon.rows
        low, value = share_low(hits, rows, self.alpha), hits / rows
        limit = min(float(natural) + movement + FLOOR, 1.0)
        return Finding(
            monitor="data_quality",
            metric=metric,
            column=column,
            segment=self.scope.segment or None,
            version=self.scope.version,
            role=self.scope.role,
            since=self.horizon.since,
            until=self.seen.now,
            rows=rows,
            value=value,
            limit=limit,
            alarm=bool(low > limit),
            low=low,
            high=share_high(hits, rows, self.alpha),
            detail=f"{value:.1%} of {rows} rows {detail}; natural {natural:.1%}",
        )


def data_quality(seen: Seen, scope: Scope, horizons: Sequence[Horizon]) -> Iterator[Finding]:
    """Report columns whose newest windows hold what neither the reference nor the last weeks hold.

    A share of rows alarms when its lower Clopper–Pearson bound passes the natural share (the larger of the reference's
    and the last weeks'), plus natural movement, plus a floor of 2 % of the rows.
    """
    tests = PARTS * RULES * max(len(scope.watched), 1) * len(horizons) * scope.divided
    for horizon in horizons:
        alpha = seen.level(tests, seen.separate(seen.now - horizon.since))
        window = _Window(seen, scope, horizon, scope.sound(scope.hours, horizon.since), alpha)
        for name, limits in scope.watched.items():
            yield from _nulls(window, name, limits)
            yield from _out_of_range(window, name, limits)
            yield from _unseen(window, name, limits)


def refused(seen: Seen) -> Iterator[Finding]:
    """Report rules that the callers violate, by field."""
    requests = seen.refused.get("", 0)
    codes = {code: n for code, n in sorted(seen.refused.items()) if code and code.partition(":")[0] not in OWN_FAULTS}
    alpha = seen.level(PARTS * max(len(codes), 1))
    for code, count in codes.items():
        _, _, column = code.partition(":")
        low, value = share_low(count, requests, alpha), count / max(requests, count)
        yield Finding(
            monitor="data_quality",
            metric="refused",
            column=column or None,
            since=seen.started,
            until=seen.now,
            rows=requests,
            value=value,
            limit=REFUSED_FLOOR,
            alarm=bool(low > REFUSED_FLOOR),
            low=low,
            high=share_high(count, requests, alpha),
            detail=f"{count} of {requests} requests refused: {code}",
        )


def _nulls(window: _Window, name: str, limits: ColumnLimits) -> Iterator[Finding]:
    hits = int(window.horizon.stretches.columns[name].nulls.sum())
    if hits:
        past, known = window.past.columns[name], window.scope.known(name)
        usual = known.nulls / max(known.rows, 1) if known else limits.nulls
        natural = max(usual, past.nulls.sum() / max(past.rows.sum(), 1))
        z = -float(special.ndtri(window.alpha))
        yield window.share("null_rate", name, hits, natural, z * limits.nulls_sd, "are null")


def _out_of_range(window: _Window, name: str, limits: ColumnLimits) -> Iterator[Finding]:
    """Judge values beyond what the reference and the last weeks span, widened: summers may be a little hotter."""
    if limits.kind is not Kind.NUMERIC:
        return
    column, past = window.horizon.stretches.columns[name], window.past.columns[name]
    low, high = _span(past, limits)
    margin = max(limits.margin, WIDENED * (high - low)) if limits.margin or limits.low == limits.high else 0.0
    low, high = low - margin, high + margin
    hits = _beyond(column, low, high)
    if hits:
        reach = f"they run from {column.low.min():.6g} to {column.high.max():.6g}"
        natural = _beyond(past, low, high) / max(past.rows.sum(), 1)
        yield window.share("out_of_range", name, hits, natural, 0.0, f"lie outside {low:.6g} to {high:.6g} ({reach})")


def _span(past: ColumnSeries, limits: ColumnLimits) -> tuple[float, float]:
    """Widen the reference's range by what the last weeks, but for their tails, have reached since."""
    filled = np.flatnonzero(past.finite)
    if len(filled) <= 1 / TAIL:
        return limits.low, limits.high
    at = int(TAIL * len(filled))
    lowest, highest = np.sort(past.low[filled])[at], np.sort(past.high[filled])[len(filled) - 1 - at]
    return min(limits.low, float(lowest)), max(limits.high, float(highest))


def _beyond(column: ColumnSeries, low: float, high: float) -> int:
    """Return how many rows surely lie outside a range that holds the reference's."""
    whole = (column.low > high) | (column.high < low)
    some = ~whole & ((column.low < low) | (column.high > high))
    told = beyond(column.take(some).profile().marks, column.cuts.edges, low, high) if some.any() else 0
    return int(column.finite[whole].sum() + max(told, some.sum()) + column.infinite[~some].sum())


def _unseen(window: _Window, name: str, limits: ColumnLimits) -> Iterator[Finding]:
    if not limits.levels:
        return
    strange = _strange(window.horizon.stretches.columns[name], limits)
    if not strange:
        return
    past = window.past.columns[name]
    earlier = _strange(past, limits)
    new = {v: n for v, n in strange.items() if earlier[v] < KNOWN}
    if new:
        rare = sum(n for n in earlier.values() if n < KNOWN) / max(past.rows.sum(), 1)
        most = ", ".join(repr(v) for v in sorted(new, key=lambda v: (-new[v], v))[:3])
        detail = f"hold categories never seen before ({most})"
        yield window.share("unseen_category", name, sum(new.values()), max(limits.unseen, rare), 0.0, detail)


def _strange(column: ColumnSeries, limits: ColumnLimits) -> Counter[str]:
    """Return the levels that the reference has not, and their rows."""
    counts = column.levels.sum(axis=0).tolist()
    return Counter({v: n for v, n in zip(column.names, counts, strict=True) if n and v not in limits.levels})
