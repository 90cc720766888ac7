"""What a rollout will take, before it starts: requests and time, and whether it can end at all."""

import math
from collections.abc import Sequence

from setpoint.deploy.evidence import names
from setpoint.deploy.evidence.growths import Pace, paces
from setpoint.domain.evidence import Expected, Forecast, Terms, Traffic
from setpoint.stats.passage import passage

MIXED = 1.5  # of log evidence, what sixteen gamblers cost beside the best of them
CENTURY_S = 100 * 365.25 * 86_400
DAY_S, HOUR_S = 86_400.0, 3_600.0
Legs = Sequence[tuple[float, float]]  # share of the traffic, and the least seconds at it; share 1 is the shadow


def forecast(terms: Terms, traffic: Traffic, legs: Legs) -> Forecast:
    """Return what a rollout will take.

    Times are medians and 90th percentiles of the first passage, see `stats.passage`; at the last share it is waited
    for as long as it takes. In simulation the median was within a third of what was foreseen.

    Parameters
    ----------
    legs : sequence of (float, float)
        The shares in order, each with the least seconds at it; 1 for the shadow, where both answer every request.
    """
    expected = [_expected(pace, terms, traffic, legs) for pace in paces(terms)]
    asked = [e for e in expected if not e.harm and e.metric in names.required(terms)]
    least = sum(seconds for _, seconds in legs)
    seconds, most = _longest([e.seconds for e in asked], least), _longest([e.most_seconds for e in asked], least)
    refused = _refused(asked, terms)
    return Forecast(
        expected=tuple(expected),
        seconds=seconds,
        most_seconds=most,
        refused=refused,
        words=refused or f"{lasting(seconds)} at this traffic; in 9 of 10 cases no more than {lasting(most)}",
    )


def lasting(seconds: float | None) -> str:
    """Write a time for people: `about 3 days`."""
    if seconds is None:
        return "more than a century"
    for unit, size in (("days", DAY_S), ("hours", HOUR_S), ("minutes", 60.0)):
        if seconds >= 1.5 * size:
            return (
                f"about {seconds / size:.2g} {unit}" if seconds < 100 * size else f"about {seconds / size:,.0f} {unit}"
            )
    return f"about {max(seconds, 1.0):.2g} seconds"


def _longest(times: Sequence[float | None], least: float) -> float | None:
    known = [time for time in times if time is not None]
    return max([*known, least]) if len(known) == len(times) else None


def _refused(asked: Sequence[Expected], terms: Terms) -> str:
    slow = [e for e in asked if e.seconds is None or e.seconds > terms.most_s]
    if not slow:
        return ""
    words = ", ".join(f"{e.metric} takes {lasting(e.seconds)}" for e in slow)
    return (
        f"it cannot end in {terms.most_s / DAY_S:.3g} days at this traffic: {words}; "
        "allow a wider margin, a larger share of the traffic or more time"
    )


def _expected(pace: Pace, terms: Terms, traffic: Traffic, legs: Legs) -> Expected:
    limit = math.log(1 / terms.spent) + MIXED + pace.split
    times = [_reached(pace, limit * passage(limit, share), terms, traffic, legs) for share in (0.5, 0.9)]
    requests = [None if time is None else math.ceil(time * traffic.requests_per_s) for time in times]
    late = terms.frozen.outcome_age_s if pace.late else 0.0
    seconds = [None if time is None else time + late for time in times]
    return Expected(
        metric=pace.metric,
        harm=pace.harm,
        requests=requests[0],
        most_requests=requests[1],
        seconds=seconds[0],
        most_seconds=seconds[1],
    )


def _reached(pace: Pace, evidence: float, terms: Terms, traffic: Traffic, legs: Legs) -> float | None:
    """Return after how many seconds there is so much evidence; None: not in a century."""
    rows = traffic.requests_per_s
    if pace.late:
        rows *= traffic.rows_per_request * terms.frozen.labelled
    passed = 0.0
    for at, (share, least) in enumerate(legs):
        each = rows * pace.growth(share)
        lasts = math.inf if at == len(legs) - 1 else least
        if each * lasts >= evidence > 0 and each > 0:
            passed += evidence / each
            return passed if passed <= CENTURY_S else None
        evidence, passed = evidence - each * lasts if each > 0 else evidence, passed + lasts
    return None
