"""What the service objectives can see: exact power of their counts."""

import math

from setpoint.domain.objective import Objective
from setpoint.monitor.burn import PACES, Pace, paces, windows_of
from setpoint.monitor.proposed import Need, Watch
from setpoint.monitor.seen import level_of
from setpoint.monitor.service import allowed
from setpoint.monitor.sight import separate
from setpoint.stats.power import rows_needed, smallest_pace, smallest_share

GAP_S = 60.0  # between looks, at least
WHY = {
    "latency_p99_ms": "99 of 100 answers within the limit; seen is the share of answers above it",
    "latency_p50_ms": "half of the answers within the limit; seen is the share of answers above it",
    "availability": "share of valid requests that are answered; seen is the share that fails",
    "error_rate": "share of requests that fail",
}


def service_watches(objective: Objective, *, budget: float, goals: int, rate_s: float) -> tuple[Watch, ...]:
    """Return an objective of latency or failures over its window, and each pace at which its budget may burn."""
    limit, tests = allowed(objective), goals * (1 + len(PACES))
    window_s = objective.window_s
    alpha = level_of(budget, separate(window_s), tests)
    rows = round(rate_s * window_s)
    changes = (2 * limit, 5 * limit) if limit else ()
    plain = Watch(
        monitor="service",
        metric=objective.metric,
        window_s=window_s,
        unit="share",
        limit=objective.target,
        at_least=objective.higher_is_better,
        rows=rows if rate_s else None,
        smallest=_real(smallest_share(rows, limit, alpha)) if rows else None,
        smallest_95=_real(smallest_share(rows, limit, alpha, 0.95)) if rows else None,
        needs=tuple(
            Need(change=c, rows=rows_needed(lambda n: smallest_share(n, limit, alpha), c)) for c in changes if c < 1
        ),
        false_alarms=alpha * separate(window_s),
        why=WHY.get(objective.metric, ""),
    )
    return plain, *(_burning(objective, pace, limit, tests, budget, rate_s) for pace in paces(limit) if limit > 0)


def _burning(objective: Objective, pace: Pace, limit: float, tests: int, budget: float, rate_s: float) -> Watch:
    long_s, short_s = windows_of(pace, objective.window_s, GAP_S)
    alpha = level_of(budget, separate(long_s), tests)
    rows, short = round(rate_s * long_s), round(rate_s * short_s)
    return Watch(
        monitor="service",
        metric=f"{objective.metric}_{pace.name}",
        window_s=long_s,
        unit="share",
        limit=pace.rate * limit,
        rows=rows if rate_s else None,
        smallest=_real(smallest_pace(rows, short, limit, pace.rate, alpha)) if rows else None,
        smallest_95=_real(smallest_pace(rows, short, limit, pace.rate, alpha, 0.95)) if rows else None,
        false_alarms=alpha * separate(long_s),
    )


def _real(number: float) -> float | None:
    return number if math.isfinite(number) else None
