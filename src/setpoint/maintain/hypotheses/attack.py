"""One caller sends a burst of rows that are nearly the same: a probe of the model, or a client that loops."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from setpoint.domain.incident import Cause, Incident, Remedy, Repair
from setpoint.domain.records import stamp
from setpoint.domain.throttle import Throttle
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation

SURE = 20.0
LASTS = timedelta(hours=1)
USUAL = timedelta(days=1)  # before the burst, that tells what the caller usually asks
ROOM = 2.0  # times what it usually asks
LEAST = 0.2  # requests a second: nobody is shut out
CALLER = "caller "


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain an incident about a caller; held to twice of what they usually ask, they harm nobody."""
    seen = [f for f in incident.findings if f.monitor == "callers" and f.alarm]
    if not seen or not incident.subject.startswith(CALLER):
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
