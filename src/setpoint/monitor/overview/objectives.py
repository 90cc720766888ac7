"""Objectives over their windows, and by stretch over the period."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from setpoint.config.metrics import FAIRNESS, is_quality, span
from setpoint.domain.finding import Finding
from setpoint.domain.fleet import Standing
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records
from setpoint.monitor.burn import OWN_FAULTS
from setpoint.monitor.overview.estimates import estimated_trace
from setpoint.monitor.overview.gathered import Gathered
from setpoint.monitor.overview.values import ObjectiveView, State, Trace
from setpoint.monitor.quality import measured_rows, numbers
from setpoint.stats.intervals import share_high, share_low

FEWEST_ROWS = 8  # of a stretch whose quality is shown
ALPHA = 0.025  # of each bound of a stretch: 95 % intervals
WHOLE = ("quality", "service")
QUANTILES = {"latency_p50_ms": 0.50, "latency_p99_ms": 0.99}

Parts = Sequence[Records]


def objective_views(at_hand: Gathered, parts: Parts) -> tuple[ObjectiveView, ...]:
    """Return the objectives, those that are off first; `parts` are the answers by stretch."""
    standings = {s.objective: s for s in at_hand.standings}
    views = [_view(at_hand, o, standings.get(o), parts) for o in at_hand.deployment.objectives]
    return tuple(sorted(views, key=lambda v: list(State).index(v.state)))


def service_traces(at_hand: Gathered, parts: Parts) -> tuple[Trace, ...]:
    """Return requests, failures that are not the callers' doing, and latencies by stretch."""
    asked = [_asked(codes) for codes in at_hand.requests]
    return (
        Trace(name="requests", values=tuple(float(rows) for _, rows in asked)),
        Trace(name="failed", values=tuple(bad / rows if rows else None for bad, rows in asked)),
        *(Trace(name=name, values=tuple(_latency(part, q) for part in parts)) for name, q in QUANTILES.items()),
    )


def _asked(codes: Mapping[str, int]) -> tuple[int, int]:
    """Return the requests that failed through no fault of their callers, and all."""
    return sum(n for code, n in codes.items() if code.partition(":")[0] in OWN_FAULTS), codes.get("", 0)


def _latency(part: Records, quantile: float) -> float | None:
    if not len(part):
        return None
    return float(np.quantile(part.latency_us / 1_000, quantile, method="inverted_cdf"))


def _view(at_hand: Gathered, objective: Objective, standing: Standing | None, parts: Parts) -> ObjectiveView:
    found = _finding(at_hand.findings, objective)
    value = standing.value if standing else None
    met = standing.at_set_point if standing else None
    return ObjectiveView(
        name=objective.name,
        metric=objective.metric,
        target=objective.target,
        higher_is_better=objective.higher_is_better,
        window_s=objective.window_s,
        value=value if value is not None and math.isfinite(value) else None,
        low=found.low if found else None,
        high=found.high if found else None,
        rows=standing.rows if standing else 0,
        at_set_point=met,
        state=_state(met, alarm=bool(found and found.alarm)),
        budget_left=standing.budget_left if standing else None,
        why=(standing.why if standing else "") or ("" if value is not None else _why(objective)),
        realised=_history(at_hand, objective, parts),
        estimated=estimated_trace(at_hand, objective),
        estimate=next((e for e in at_hand.estimates if e.objective == objective), None),
    )


def _state(met: bool | None, *, alarm: bool) -> State:
    if alarm:
        return State.ALARM
    return State.UNKNOWN if met is None else State.QUIET if met else State.NEAR


def _why(objective: Objective) -> str:
    what = "outcomes" if is_quality(objective.metric) or objective.metric in FAIRNESS else "requests"
    return f"no {what} in its window yet"


def _finding(findings: Sequence[Finding], objective: Objective) -> Finding | None:
    """Return the finding that measured an objective; two of one metric are told apart by their targets."""
    own = (f for f in findings if f.metric == objective.metric and f.limit == objective.target)
    return next((f for f in own if f.monitor == "fairness" or (f.monitor in WHOLE and not f.segment)), None)


def _history(at_hand: Gathered, objective: Objective, parts: Parts) -> Trace | None:
    if objective.metric in QUANTILES:
        values = tuple(_latency(part, QUANTILES[objective.metric]) for part in parts)
        return Trace(name=objective.name, values=values, line=objective.target)
    if objective.metric in ("availability", "error_rate"):
        return _failures(at_hand, objective)
    if not is_quality(objective.metric) or objective.function is not None:
        return None
    points = [_quality(part, objective, at_hand.champion.threshold) for part in parts]
    values, low, high = (tuple(column) for column in zip(*points, strict=True)) if points else ((), (), ())
    return Trace(name=objective.name, values=values, low=low, high=high, line=objective.target)


def _failures(at_hand: Gathered, objective: Objective) -> Trace:
    def part(bad: int, rows: int) -> tuple[float | None, float | None, float | None]:
        if not rows:
            return None, None, None
        low, high = share_low(bad, rows, ALPHA), share_high(bad, rows, ALPHA)
        return (1 - bad / rows, 1 - high, 1 - low) if objective.metric == "availability" else (bad / rows, low, high)

    points = [part(*_asked(codes)) for codes in at_hand.requests]
    values, low, high = (tuple(column) for column in zip(*points, strict=True)) if points else ((), (), ())
    return Trace(name=objective.name, values=values, low=low, high=high, line=objective.target)


def _quality(part: Records, objective: Objective, threshold: float) -> tuple[float | None, float | None, float | None]:
    """Measure a quality metric on the rows of one stretch, with its 95 % interval."""
    rows = numbers(part.labelled)
    if len(rows) < FEWEST_ROWS:
        return None, None, None
    found = measured_rows(objective, rows, threshold)
    if not found.known:
        return None, None, None
    low, high = found.bounds(ALPHA)
    least, most = span(objective.metric)
    return (
        found.value,
        max(low, least) if math.isfinite(low) else None,
        min(high, most) if math.isfinite(high) else None,
    )
