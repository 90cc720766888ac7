"""One caller sends a burst of rows that are nearly the same: a probe of the model, or a client that loops."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.domain.records import Column, Records, stamp
from setpoint.domain.silent import without
from setpoint.domain.throttle import Throttle
from setpoint.maintain.case import Case, Score, latest
from setpoint.maintain.drift import alarms, broken, moved
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.loss import Floats, distance
from setpoint.maintain.waiting import wait

SURE = 20.0
LASTS = timedelta(hours=1)
USUAL = timedelta(days=1)  # before the burst, that tells what the caller usually asks
ROOM = 2.0  # times what it usually asks
LEAST = 0.2  # requests a second: nobody is shut out
CALLER = "caller "
FEWEST = 30  # rows of the other callers
DUPLICATES = "duplicates"  # a metric: rows of the same inputs
STRETCHES = 20  # of as many healthy rows, that say how far a column naturally moves


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain an incident about a caller, or about columns that moved in the rows of such a caller only."""
    return of_caller(incident, case) if incident.subject.startswith(CALLER) else of_columns(incident, case)


def of_columns(incident: Incident, case: Case) -> Sequence[Explanation]:
    """Explain columns that lie where they did, but for the rows of callers whose burst is an incident already."""
    columns = sorted({str(f.column) for f in moved(incident, case.schema)})
    again = [f for f in alarms(incident, "data_quality") if f.metric == DUPLICATES]
    rest, healthy = without(case.suspect, case.bursting), latest(case.healthy)
    if (
        not (columns or again)
        or broken(incident)
        or len(rest) in (len(case.suspect), *range(FEWEST))
        or len(healthy) < FEWEST
    ):
        return ()
    rest = latest(rest)
    if not all(_as_before(healthy.inputs[name], rest.inputs[name]) for name in columns):
        return ()
    if any(_repeated(rest) > f.limit for f in again):
        return ()
    who, what = ", ".join(sorted(map(str, case.bursting))), f"{', '.join(columns)} moved" if columns else "rows repeat"
    words = (
        f"{what} in the rows of {who} only, who sends a burst: the other {len(rest):,} rows lie no further from "
        "healthy ones than those from each other",
    )
    repair = wait(incident, f"{words[0]}; see the incident of {who}")
    return (Explanation(cause=Cause.ATTACK, subject=incident.subject, support=SURE, evidence=words, repair=repair),)


def _repeated(rows: Records) -> float:
    """Return the share of rows whose inputs are all those of another one before."""
    return 1 - len(set(zip(*(column.tolist() for column in rows.inputs.values()), strict=True))) / len(rows)


def _as_before(healthy: Column, rows: Column) -> bool:
    """Whether rows lie no further from healthy ones than the furthest of twenty stretches of as many from the rest."""
    before, now = _ranked(healthy, rows)
    size = min(len(now), len(before) // 2)
    parts = [np.arange(at, at + size) for at in np.linspace(0, len(before) - size, STRETCHES).astype(int)]
    return distance(now[-size:], before) <= max(distance(before[part], np.delete(before, part)) for part in parts)


def _ranked(healthy: Column, rows: Column) -> tuple[Floats, Floats]:
    """Return numbers, of texts their place among the healthy levels by how often they come; missing ones come first."""
    if healthy.dtype != object:
        return np.nan_to_num(healthy, nan=-np.inf), np.nan_to_num(rows, nan=-np.inf)
    levels, counts = np.unique(healthy.astype(str), return_counts=True)
    place = {str(level): i for i, level in enumerate(levels[np.argsort(-counts)])}
    before, now = (np.array([place.get(str(v), -1) for v in c.tolist()], np.float64) for c in (healthy, rows))
    return before, now


def of_caller(incident: Incident, case: Case) -> Sequence[Explanation]:
    """Explain an incident about a caller; held to twice of what they usually ask, they harm nobody."""
    seen = [f for f in incident.findings if f.monitor == "callers" and f.alarm]
    if not seen:
        return ()
    caller, worst = incident.subject.removeprefix(CALLER), seen[-1]
    burst = worst.rows / max((worst.until - worst.since).total_seconds(), 1.0)
    usual = _usual(incident, case, caller)
    workers = max(len(case.reports), 1)
    rate = max(ROOM * usual, LEAST)
    words = (
        *dict.fromkeys(f.detail for f in seen),
        f"{burst:.3g} requests a second in the burst, {usual:.3g} usually; such as {', '.join(worst.examples)}",
        "a client that tries again and again looks the same: ask whose it is before you call it an attack",
    )
    throttle = Throttle(
        id=incident.named("-throttle"), caller=caller, per_s=rate / workers, lasts_s=LASTS.total_seconds()
    )
    repair = Repair(
        id=throttle.id,
        remedy=Remedy.THROTTLE,
        subject=incident.subject,
        throttle=throttle,
        proof=f"{words[0]}; held to {rate:.3g} requests a second for {LASTS.total_seconds() / 3600:.0f} h, which is "
        f"{ROOM:g} times what {caller} usually asks or {LEAST} a second",
    )
    bursting = burst > rate
    return (
        Explanation(
            cause=Cause.ATTACK,
            subject=incident.subject,
            support=SURE,
            evidence=words,
            repair=repair if bursting else None,
        ),
    )


def _usual(incident: Incident, case: Case, caller: str) -> float:
    """Return how many requests a second a caller sent in the day before."""
    if case.asked is None:
        return 0.0
    time = case.asked.arrived.view("datetime64[us]")
    start = stamp(incident.since)
    before = (time < start) & (time >= start - np.timedelta64(USUAL)) & (case.asked.caller == caller)
    return float((before & (case.asked.row == 0)).sum()) / USUAL.total_seconds()
