"""Whether a request may queue: refused early and cheaply rather than answered too late."""

from dataclasses import dataclass
from math import ceil, inf

from setpoint.errors import Overloaded

WAIT_S = 0.5
REQUESTS = 10_000
ROWS = 500_000
RETRY_AT_MOST_S = 60


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a new request would find: requests and rows that wait or run, and how long they should still take.

    `run_s` is the time of one full run, `own_s` the time of the new request itself.
    """

    requests: int = 0
    rows: int = 0
    wait_s: float = 0.0
    run_s: float = 0.0
    own_s: float = 0.0


def admit(ahead: Ahead, rows: int, left_s: float = inf) -> None:
    """Refuse a request that would wait for too long.

    A request may wait for half a second, or for two full runs where those take longer; with a deadline, as long as its
    answer can be there in time (one that is late already is not refused here: it is recorded as late). An idle worker
    refuses nothing for its size.

    Parameters
    ----------
    ahead : Ahead
    rows : int
        Of the new request.
    left_s : float
        Until its deadline.

    Raises
    ------
    Overloaded
        With the reason, and when to try again.
    """
    patience_s = max(WAIT_S, 2 * ahead.run_s) if left_s == inf else left_s - ahead.own_s
    too_many = ahead.requests > 0 and (ahead.requests >= REQUESTS or ahead.rows + rows > ROWS)
    if not too_many and (ahead.wait_s <= patience_s or left_s <= 0):
        return
    retry_s = min(RETRY_AT_MOST_S, max(1, ceil(ahead.wait_s - max(patience_s, 0.0))))
    rows_of = f"{ahead.rows:,} rows of " if ahead.rows else ""
    queue = f"overloaded: {rows_of}{ahead.requests:,} requests are before this one"
    if too_many:
        reason = f"{queue}; at most {ROWS:,} rows of {REQUESTS:,} requests may wait"
    elif left_s < inf:
        reason = (
            f"{queue}; an answer would take {ahead.wait_s + ahead.own_s:.2g} s, and {max(left_s, 0.0):.2g} s are left"
        )
    else:
        reason = f"{queue} and take {ahead.wait_s:.2g} s; at most {patience_s:.2g} s are waited"
    raise Overloaded(f"{reason}. Try again in {retry_s} s", retry_s)
