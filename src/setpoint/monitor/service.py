"""Latency and error objectives."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.records import moment
from setpoint.monitor.micro import joined
from setpoint.monitor.seen import YEAR_S, Seen
from setpoint.stats.intervals import block_means, quantile_bounds, share_high, share_low

QUANTILES = {"latency_p50_ms": 0.50, "latency_p99_ms": 0.99}
SHARES = ("error_rate", "availability")
OWN_FAULTS = ("model_error", "internal", "overload", "deadline", "unavailable")  # not the caller's doing
FEWEST_ROWS = 24
UNSTATED = Objective(metric="error_rate", at_most=0.01)  # what holds where the set point says nothing of errors

FloatArray = NDArray[np.float64]


def service(seen: Seen) -> Iterator[Finding]:
    """Report each latency and error objective; an alarm when the bound on the target's side is past it."""
    goals = [o for o in seen.objectives if o.metric in QUANTILES or o.metric in SHARES]
    if failed(seen)[0] and not any(o.metric in SHARES for o in goals):
        goals.append(UNSTATED)
    for objective in goals:
        alpha = seen.level(len(goals), min(seen.looks, 4 * YEAR_S / objective.window_s))
        yield from (
            _latency(seen, objective, alpha) if objective.metric in QUANTILES else _errors(seen, objective, alpha)
        )


def latencies(seen: Seen, window_s: float) -> tuple[FloatArray, NDArray[np.datetime64]]:
    """Return the latencies over a window in ms, and their times."""
    rows = joined(seen.baseline, seen.recent) if len(seen.baseline) else seen.recent
    rows = rows.between(seen.now - timedelta(seconds=window_s), None)
    return rows.latency_us.astype(np.float64) / 1_000, rows.time


def failed(seen: Seen) -> tuple[int, int]:
    """Return how many requests failed through no fault of their caller, and how many there were."""
    own = sum(n for code, n in seen.refused.items() if code.partition(":")[0] in OWN_FAULTS)
    callers = sum(n for code, n in seen.refused.items() if code) - own
    return own, max(seen.refused.get("", 0) - callers, own)


def service_value(seen: Seen, objective: Objective) -> tuple[float, int] | None:
    """Return the value of a service objective and the rows behind it; None when there are none."""
    if objective.metric in QUANTILES:
        ms, _ = latencies(seen, objective.window_s)
        return (
            (float(np.quantile(ms, QUANTILES[objective.metric], method="inverted_cdf")), len(ms)) if len(ms) else None
        )
    bad, requests = failed(seen)
    if not requests:
        return None
    return (bad / requests if objective.metric == "error_rate" else 1 - bad / requests), requests


def _latency(seen: Seen, objective: Objective, alpha: float) -> Iterator[Finding]:
    """Count answers slower than the target; slow ones come in bursts, which widens the bound."""
    ms, times = latencies(seen, objective.window_s)
    if len(ms) < FEWEST_ROWS:
        return
    allowed = 1 - QUANTILES[objective.metric]
    slow = (ms > objective.target).astype(np.float64)
    effective = len(ms) / _burst(slow)
    low, high = quantile_bounds(ms, 1 - allowed, alpha)
    yield Finding(
        monitor="service",
        metric=objective.metric,
        since=moment(times[0]),
        until=moment(times[-1]),
        rows=len(ms),
        value=float(np.quantile(ms, 1 - allowed, method="inverted_cdf")),
        limit=objective.target,
        alarm=bool(share_low(slow.mean() * effective, effective, alpha) > allowed),
        low=low if np.isfinite(low) else None,
        high=high if np.isfinite(high) else None,
        detail=f"{slow.mean():.2%} of {len(ms)} answers took longer than {objective.target:g} ms; {allowed:.0%} may",
    )


def _burst(hits: FloatArray, blocks: int = 20) -> float:
    """Return the design effect of a share: how much more its block means vary than independent rows would."""
    mean = float(hits.mean())
    sampling = mean * (1 - mean) * min(blocks, len(hits)) / len(hits)
    return max(float(block_means(hits, min(blocks, len(hits))).var(ddof=1)) / sampling, 1.0) if sampling else 1.0


def _errors(seen: Seen, objective: Objective, alpha: float) -> Iterator[Finding]:
    bad, requests = failed(seen)
    if not requests:
        return
    low, high = share_low(bad, requests, alpha), share_high(bad, requests, alpha)
    value = bad / requests
    if objective.metric == "availability":
        value, low, high = 1 - value, 1 - high, 1 - low
    near = high if objective.higher_is_better else low
    yield Finding(
        monitor="service",
        metric=objective.metric,
        since=seen.started,
        until=seen.now,
        rows=requests,
        value=value,
        limit=objective.target,
        alarm=not objective.met_by(near),
        low=low,
        high=high,
        detail=f"{bad} of {requests} requests failed through no fault of their caller",
    )
