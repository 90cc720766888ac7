"""Latency and error objectives: over their windows, with the budget that is left and how fast it is spent."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, joined, stamp
from setpoint.monitor.burn import OWN_FAULTS, PACES, UNSTATED, Counts, Pace, own_failures, paces, windows_of
from setpoint.monitor.seen import YEAR_S, Seen
from setpoint.stats.burn import PACE_LEVEL, burns
from setpoint.stats.intervals import block_means, quantile_bounds, share_high, share_low

__all__ = ["OWN_FAULTS", "service", "service_value"]
QUANTILES = {"latency_p50_ms": 0.50, "latency_p99_ms": 0.99}
SHARES = ("error_rate", "availability")
FEWEST_ROWS = 24

FloatArray = NDArray[np.float64]
Count = Callable[[float], Counts]  # of a window in seconds


def service(seen: Seen) -> Iterator[Finding]:
    """Report each latency and error objective, and each pace at which its budget is surely spent.

    An objective is an alarm when its whole budget is surely gone and still being spent: what is over needs nobody.
    """
    goals = [o for o in seen.objectives if o.metric in QUANTILES or o.metric in SHARES]
    if own_failures(seen.refused)[0] and not any(o.metric in SHARES for o in goals):
        goals.append(UNSTATED)
    tests = len(goals) * (1 + len(PACES))
    for objective in goals:
        count = _slow(seen, objective) if objective.metric in QUANTILES else _failed(seen)
        whole = count(objective.window_s)
        if not whole.rows or (objective.metric in QUANTILES and whole.rows < FEWEST_ROWS):
            continue
        yield _standing(seen, objective, count, whole, tests)
        yield from _burning(seen, objective, count, whole, tests)


def service_value(seen: Seen, objective: Objective) -> tuple[float, int, float | None] | None:
    """Return the value of a service objective over its window, its rows, and the share of its budget that is left.

    None where there are no rows.
    """
    if objective.metric in QUANTILES:
        ms = _latencies(seen, objective.window_s)
        if not len(ms):
            return None
        left = budget_left(float((ms > objective.target).mean()), allowed(objective))
        return float(np.quantile(ms, QUANTILES[objective.metric], method="inverted_cdf")), len(ms), left
    whole = _failed(seen)(objective.window_s)
    if not whole.rows:
        return None
    value = whole.share if objective.metric == "error_rate" else 1 - whole.share
    return value, round(whole.rows), budget_left(whole.share, allowed(objective))


def allowed(objective: Objective) -> float:
    """Return the share of requests that may fail, or be slow."""
    if objective.metric in QUANTILES:
        return 1 - QUANTILES[objective.metric]
    return 1 - objective.target if objective.metric == "availability" else objective.target


def budget_left(share: float, allowed: float) -> float | None:
    """Return how much of a budget is left: 1 is all, below 0 is overdrawn; None where there is no budget at all."""
    return 1 - share / allowed if allowed > 0 else None


def _standing(seen: Seen, objective: Objective, count: Count, whole: Counts, tests: int) -> Finding:
    limit, window_s = allowed(objective), objective.window_s
    alpha = _level(seen, tests, window_s)
    value, low, high = _bounds(seen, objective, whole, alpha)
    _, short_s = windows_of(PACES[-1], window_s)
    gone = bool(burns(*_effective(seen, objective, whole), count(short_s).share, limit, 1.0, alpha))
    verb = "took too long" if objective.metric in QUANTILES else "failed through no fault of their caller"
    left = budget_left(whole.share, limit)
    budget = f"{limit:.2%} may" + ("" if left is None else f", {left:.0%} of that is left")
    return Finding(
        monitor="service",
        metric=objective.metric,
        since=seen.now - timedelta(seconds=window_s),
        until=seen.now,
        rows=round(whole.rows),
        value=value,
        limit=objective.target,
        alarm=gone,
        low=low,
        high=high,
        detail=f"{whole.share:.2%} of {whole.rows:,.0f} requests {verb}; {budget}",
    )


def _burning(seen: Seen, objective: Objective, count: Count, whole: Counts, tests: int) -> Iterator[Finding]:
    limit = allowed(objective)
    for pace in paces(limit) if limit > 0 else ():
        long_s, short_s = windows_of(pace, objective.window_s)
        long, short = count(long_s), count(short_s)
        alpha = _level(seen, tests, long_s)
        bad, rows = _effective(seen, objective, long)
        sure = bool(burns(bad, rows, short.share, limit, pace.rate, alpha))
        if not sure and not long.share >= pace.rate * limit / 2:  # NaN where there was nothing
            continue
        low = share_low(bad, rows, PACE_LEVEL) / limit
        yield Finding(
            monitor="service",
            metric=f"{objective.metric}_{pace.name}",
            kind=pace.name,
            since=seen.now - timedelta(seconds=long_s),
            until=seen.now,
            rows=round(long.rows),
            value=long.share / limit,
            limit=pace.rate,
            alarm=sure,
            low=low,
            detail=_spent(objective, pace, long, short, 1 - whole.share / limit),
        )


def _spent(objective: Objective, pace: Pace, long: Counts, short: Counts, left: float) -> str:
    what = "slow" if objective.metric in QUANTILES else "failed"
    return (
        f"{long.bad:,.0f} of {long.rows:,.0f} requests {what} in {_span(long.window_s)}, {short.bad:,.0f} of "
        f"{short.rows:,.0f} in {_span(short.window_s)}: at more than {pace.rate:g} times the rate that lasts "
        f"{_span(objective.window_s)}; {left:.0%} of the budget is left"
    )


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.0f} s"


def _bounds(seen: Seen, objective: Objective, whole: Counts, alpha: float) -> tuple[float, float | None, float | None]:
    """Return the value of an objective over its window, between its bounds."""
    if objective.metric in QUANTILES:
        ms, q = _latencies(seen, objective.window_s), QUANTILES[objective.metric]
        low, high = quantile_bounds(ms, q, alpha)
        value = float(np.quantile(ms, q, method="inverted_cdf"))
        return value, low if np.isfinite(low) else None, high if np.isfinite(high) else None
    low, high = share_low(whole.bad, whole.rows, alpha), share_high(whole.bad, whole.rows, alpha)
    if objective.metric == "availability":
        return 1 - whole.share, 1 - high, 1 - low
    return whole.share, low, high


def _level(seen: Seen, tests: int, window_s: float) -> float:
    """Return the error of one test: windows that overlap count as four a length, as simulated beside its tests."""
    return seen.level(tests, min(seen.looks, 4 * YEAR_S / window_s))


def _failed(seen: Seen) -> Count:
    def count(window_s: float) -> Counts:
        bad, rows = own_failures(seen.requests_over(window_s))
        return Counts(bad=bad, rows=rows, window_s=window_s)

    return count


def _slow(seen: Seen, objective: Objective) -> Count:
    def count(window_s: float) -> Counts:
        ms = _latencies(seen, window_s)
        return Counts(bad=int((ms > objective.target).sum()), rows=len(ms), window_s=window_s)

    return count


def _effective(seen: Seen, objective: Objective, counts: Counts) -> tuple[float, float]:
    """Return failures and rows that weigh as if they were independent: slow answers come in bursts."""
    if objective.metric not in QUANTILES or not counts.bad:
        return counts.bad, counts.rows
    slow = (_latencies(seen, counts.window_s) > objective.target).astype(np.float64)
    burst = _burst(slow)
    return counts.bad / burst, counts.rows / burst


def _latencies(seen: Seen, window_s: float) -> FloatArray:
    """Return the latencies over a window in ms, in order of time."""
    rows = _answers(seen)
    within = rows.time >= stamp(seen.now - timedelta(seconds=window_s))
    return np.asarray(rows.latency_us[within] / 1_000, np.float64)


def _answers(seen: Seen) -> Records:
    if seen.answers is not None:
        return seen.answers
    return joined(seen.baseline, seen.recent) if len(seen.baseline) else seen.recent


def _burst(hits: FloatArray, blocks: int = 20) -> float:
    """Return the design effect of a share: how much more its block means vary than independent rows would."""
    mean = float(hits.mean())
    sampling = mean * (1 - mean) * min(blocks, len(hits)) / len(hits)
    return max(float(block_means(hits, min(blocks, len(hits))).var(ddof=1)) / sampling, 1.0) if sampling else 1.0
