"""Burn rates: how fast an objective's budget of failures is spent, over a long and a short window at once.

Spending it at rate 1 uses it up exactly by the end of the objective's window. The long window says that it is worth
somebody's attention, the short one that it still goes on.

References
----------
B. Beyer et al., "The Site Reliability Workbook", O'Reilly 2018, chapter 5: "Alerting on SLOs", approach 6.
"""

import math
from collections.abc import Iterable, Iterator, Mapping

from setpoint.domain.objective import Objective
from setpoint.domain.value import value

SHORTEST_S = 60.0  # of a window: within less there is nothing to count
UNSTATED = Objective(metric="error_rate", at_most=0.01)  # what holds where the set point says nothing of errors
OWN_FAULTS = (
    *("model_error", "model_ended", "worker_ended", "isolated"),
    *("internal", "overload", "deadline", "unavailable"),
)  # not the caller's doing


@value
class Pace:
    """A burn rate that is an alarm, with its windows as fractions of the objective's (of 30 days: 1 h and 5 min, …)."""

    name: str
    rate: float
    long: float
    short: float


PACES = (
    Pace(name="fast_burn", rate=14.4, long=1 / 720, short=1 / 8_640),  # 2 % of the budget in the long window
    Pace(name="burn", rate=6.0, long=1 / 120, short=1 / 1_440),  # 5 %
    Pace(name="slow_burn", rate=1.0, long=1 / 10, short=1 / 120),  # 10 %
)


@value
class Counts:
    """Requests (or answers) over a window of so many seconds up to now, and how many of them failed (or were slow)."""

    bad: float
    rows: float
    window_s: float

    @property
    def share(self) -> float:
        """The share that failed; NaN where there is nothing."""
        return self.bad / self.rows if self.rows else math.nan


def windows_of(pace: Pace, window_s: float, shortest_s: float = SHORTEST_S) -> tuple[float, float]:
    """Return the long and the short window in seconds."""
    short = max(pace.short * window_s, shortest_s)
    return max(pace.long * window_s, short), short


def horizons(objectives: Iterable[Objective]) -> list[float]:
    """Return every window that the objectives are judged over, in seconds, shortest first."""
    spans = {o.window_s for o in (*objectives, UNSTATED)}
    pairs = (windows_of(p, s) for s in spans for p in PACES)
    return sorted({*spans, *(s for pair in pairs for s in pair)})


def own_failures(codes: Mapping[str, int]) -> tuple[int, int]:
    """Return how many requests failed through no fault of their caller, and how many there were but for such faults.

    `codes` are counts by violation code, with all requests under `""`.
    """
    own = sum(n for code, n in codes.items() if code.partition(":")[0] in OWN_FAULTS)
    callers = sum(n for code, n in codes.items() if code) - own
    return own, max(codes.get("", 0) - callers, own)


def paces(allowed: float) -> Iterator[Pace]:
    """Yield the paces at which a budget can be spent: half of all requests cannot fail at six times that rate."""
    yield from (p for p in PACES if p.rate * allowed < 1.0)
