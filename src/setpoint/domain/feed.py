"""How the feed of outcomes delivers what it knows, and for whom."""

from datetime import date, datetime, timedelta

import numpy as np

from setpoint.domain.records import Records, stamp
from setpoint.domain.value import field, value

DAYS = 28  # that are remembered
SOME = 0.1  # of the outcomes of a day; fewer are stragglers and corrections


@value
class Delivered:
    """What looks have seen of deliveries.

    `known` counts the outcomes on record by the day on which they became known. `behind_s` is the longest that those of
    a day had been known before they were delivered (seconds), as where a file a week says when each became known.
    """

    known: dict[str, int] = field(default_factory=dict)
    behind_s: float = 0.0


def delivered(before: Delivered | None, labelled: Records, looked: datetime, now: datetime) -> Delivered:
    """Return what is known of deliveries after another look: of days that were over at the last one, there are more."""
    days, counts = np.unique(labelled.known.astype("datetime64[D]"), return_counts=True)
    known = {str(day): int(n) for day, n in zip(days[-DAYS:], counts[-DAYS:], strict=True)}
    if before is None:
        return Delivered(known=known)
    over = looked.date()
    grown = [
        day
        for day, n in known.items()
        if date.fromisoformat(day) < over
        and n - before.known.get(day, 0) > SOME * n
        and day >= min(before.known, default=day)
    ]
    since = min(grown, default=None)
    behind = 0.0 if since is None else float((stamp(now) - np.datetime64(since)) / np.timedelta64(1, "s"))
    return Delivered(known=known, behind_s=max(before.behind_s, behind))


def delay_of(labelled: Records, quantile: float, behind_s: float = 0.0) -> np.timedelta64:
    """Return how old a request is when its outcome is on record, of such a share of those that have come."""
    waited = np.maximum((labelled.known - labelled.time).astype("timedelta64[us]").astype(np.int64), 0)
    return np.timedelta64(int(np.quantile(waited, quantile)), "us") + stamp_of(behind_s)


def stamp_of(seconds: float) -> np.timedelta64:
    """Return seconds as timedelta64[us]."""
    return np.timedelta64(timedelta(seconds=seconds) // timedelta(microseconds=1), "us")
