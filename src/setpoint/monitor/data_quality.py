"""Data quality of the micro-window: nulls, values out of range, unseen categories, stuck values, refused requests."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.domain.finding import Finding
from setpoint.domain.records import Column, moment
from setpoint.monitor.limits import Run, encode, number_name
from setpoint.monitor.micro import Micro
from setpoint.monitor.seen import Seen
from setpoint.monitor.service import OWN_FAULTS
from setpoint.stats.blocks import runs_of
from setpoint.stats.intervals import share_high, share_low

FLOOR = 0.02  # share of rows that nobody minds
REFUSED_FLOOR = 0.05  # share of requests that callers may get wrong
RUN_FACTOR, SHORTEST_RUN = 2.5, 24
TAIL = 0.01  # of the baseline that may lie outside the range it stands for
KNOWN = 3  # rows of the baseline that make a category known
RULES = 4  # a column is tested by

FloatArray = NDArray[np.float64]


def data_quality(seen: Seen, window: Micro) -> Iterator[Finding]:
    """Report columns whose micro-window holds what neither the reference nor the last weeks hold.

    A share of rows alarms when its lower Clopper–Pearson bound passes the natural share (the larger of the reference's
    and the baseline's), plus natural movement, plus a floor of 2 % of the rows.
    """
    alpha = seen.level(RULES * window.columns)
    yield from _refused(seen)
    if len(window.recent):
        yield from _nulls(window, alpha)
        yield from _out_of_range(window, alpha)
        yield from _unseen(window, alpha)
        yield from _stuck(window, alpha)


def _refused(seen: Seen) -> Iterator[Finding]:
    """Report rules that the callers violate, by field."""
    requests = seen.refused.get("", 0)
    codes = {code: n for code, n in sorted(seen.refused.items()) if code and code.partition(":")[0] not in OWN_FAULTS}
    alpha = seen.level(max(len(codes), 1))
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


def _share(
    window: Micro, metric: str, column: str, hits: int, natural: float, movement: float, alpha: float, detail: str
) -> Finding:
    """Judge how many of the recent rows have something wrong with a column."""
    rows = len(window.recent)
    low, value, limit = share_low(hits, rows, alpha), hits / rows, min(natural + movement + FLOOR, 1.0)
    return Finding(
        monitor="data_quality",
        metric=metric,
        column=column,
        since=moment(window.recent.time[0]),
        until=moment(window.recent.time[-1]),
        rows=rows,
        value=value,
        limit=limit,
        alarm=bool(low > limit),
        low=low,
        high=share_high(hits, rows, alpha),
        detail=f"{value:.1%} of {rows} rows {detail}; natural {natural:.1%}",
    )


def _nulls(window: Micro, alpha: float) -> Iterator[Finding]:
    z = -float(special.ndtri(alpha))
    now, before = np.isnan(window.now).sum(axis=0), np.isnan(window.before).sum(axis=0)
    counts = {name: (int(n), int(m)) for name, n, m in zip(window.names, now, before, strict=True)}
    for name in window.categorical:
        counts[name] = _missing(window.recent.inputs[name]), _missing(window.baseline.inputs[name])
    for name, (hits, earlier) in counts.items():
        if hits:
            limits = window.limits[name]
            natural = max(limits.nulls, earlier / max(len(window.baseline), 1))
            yield _share(window, "null_rate", name, hits, natural, z * limits.nulls_sd, alpha, "are null")


def _missing(column: Column) -> int:
    return sum(value is None for value in column)


def _out_of_range(window: Micro, alpha: float) -> Iterator[Finding]:
    """Judge values beyond what the reference and the last weeks span, widened: summers may be a little hotter."""
    margin = window.learnt("margin")
    low, high = _span(window.before, window.learnt("low"), window.learnt("high"))
    low, high = low - margin, high + margin
    now = ((window.now < low) | (window.now > high)).sum(axis=0)
    before = ((window.before < low) | (window.before > high)).mean(axis=0) if len(window.before) else np.zeros(len(low))
    for at in np.flatnonzero(now):
        values = window.now[:, at]
        reach = f"they run from {np.nanmin(values):.6g} to {np.nanmax(values):.6g}"
        detail = f"lie outside {low[at]:.6g} to {high[at]:.6g} ({reach})"
        yield _share(window, "out_of_range", window.names[at], int(now[at]), float(before[at]), 0.0, alpha, detail)


def _span(before: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Widen the reference's range by what the baseline, but for its tails, has reached since."""
    filled = (~np.isnan(before)).sum(axis=0)
    if not filled.any():
        return low, high
    ordered = np.sort(before, axis=0)  # nulls last
    at, known = np.arange(before.shape[1]), filled > 1 / TAIL
    lowest = ordered[(TAIL * filled).astype(int) * known, at]
    highest = ordered[np.maximum(((1 - TAIL) * filled).astype(int) - 1, 0), at]
    return np.where(known, np.minimum(low, lowest), low), np.where(known, np.maximum(high, highest), high)


def _unseen(window: Micro, alpha: float) -> Iterator[Finding]:
    for name in window.categorical:
        limits = window.limits[name]
        strange = Counter(v for v in window.recent.inputs[name] if v is not None and v not in limits.levels)
        if not strange:
            continue
        earlier = Counter(v for v in window.baseline.inputs[name] if v is not None and v not in limits.levels)
        new = {v: n for v, n in strange.items() if earlier[v] < KNOWN}
        if new:
            rare = sum(n for n in earlier.values() if n < KNOWN) / max(len(window.baseline), 1)
            most = ", ".join(repr(v) for v in sorted(new, key=lambda v: (-new[v], v))[:3])
            natural = max(limits.unseen, rare)
            detail = f"hold categories never seen before ({most})"
            yield _share(window, "unseen_category", name, sum(new.values()), natural, 0.0, alpha, detail)


def _stuck(window: Micro, alpha: float) -> Iterator[Finding]:
    """Find columns that repeat one value for longer than the reference ever did."""
    rows = len(window.recent)
    for at, name in enumerate(window.names):
        runs = window.limits[name].runs
        if runs:
            column = np.concatenate([window.before[:, at], window.now[:, at]])
            yield from _run(window, name, column, rows, runs, alpha)
    for name in window.categorical:
        runs, levels = window.limits[name].runs, {v: i for i, v in enumerate(window.limits[name].levels)}
        if runs:
            values = np.concatenate([window.baseline.inputs[name], window.recent.inputs[name]])
            codes = encode(values, levels)[1].astype(np.float64)
            named = {str(levels[level]) if level else "": run for level, run in runs.items()}
            yield from _run(window, name, np.where(codes < 0, np.nan, codes), rows, named, alpha)


def _run(
    window: Micro, name: str, column: FloatArray, recent: int, runs: Mapping[str, Run], alpha: float
) -> Iterator[Finding]:
    """Judge the runs that reach into the micro-window, each against what is natural for its value."""
    starts, lengths = runs_of(column)
    reach = starts + lengths > len(column) - recent
    before = ~reach
    worst, value, limit = 0.0, 0, 0
    for start, length in zip(starts[reach], lengths[reach], strict=True):
        same = before if len(runs) == 1 else before & (column[starts] == column[start])
        allowed = _longest(runs, column[start], alpha)
        allowed = allowed and max(allowed, int(RUN_FACTOR * lengths[same].max(initial=0)))
        if allowed and length / allowed > worst:
            worst, value, limit = length / allowed, int(length), allowed
    if worst > 0.5:
        yield Finding(
            monitor="data_quality",
            metric="stuck",
            column=name,
            since=moment(window.recent.time[0]),
            until=moment(window.recent.time[-1]),
            rows=recent,
            value=float(value),
            limit=float(limit),
            alarm=bool(worst > 1),
            detail=f"one value for {value} rows running; the longest run natural for it is {limit}",
        )


def _longest(runs: Mapping[str, Run], held: float, alpha: float) -> int:
    """Return how many rows a value may stay: well beyond the reference's longest run, and what chance explains."""
    run = runs.get("") if np.isnan(held) or len(runs) == 1 else runs.get(number_name(held))
    if run is None or np.isnan(held):
        return 0
    chance = np.log(alpha) / np.log(run.stay) if 0 < run.stay < 1 else 0.0
    return int(max(RUN_FACTOR * run.longest, chance, SHORTEST_RUN))
