"""The steps of a race, summed up to as many stretches as a picture can show."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from setpoint.domain.value import value
from setpoint.loop.replay.values import Step

MOST = 60  # stretches in a picture
PERIODS = (
    *(timedelta(minutes=m) for m in (10, 30)),
    *(timedelta(hours=h) for h in (1, 3, 6, 12)),
    *(timedelta(days=d) for d in (1, 2, 7, 14, 28, 91, 182, 364)),
)


@value
class Stretch:
    """One stretch of time under one policy: means over its rows, and of its looks the share at the set point."""

    since: datetime
    until: datetime
    rows: int
    loss: float | None
    value: float | None
    held: float | None


def period_of(steps: Sequence[Step]) -> timedelta:
    """Return how long a stretch is, so that there are few enough, and each holds a look at least."""
    span = steps[-1].until - steps[0].until
    apart = min((b.until - a.until for a, b in pairwise(steps)), default=timedelta(days=1))
    return next((p for p in PERIODS if p >= apart and span <= MOST * p), max(span / MOST, PERIODS[-1]))


def stretches_of(steps: Sequence[Step], period: timedelta) -> list[Stretch]:
    """Return the stretches in order of time; those without rows are left out."""
    start = steps[0].until - period
    groups: dict[int, list[Step]] = {}
    for step in steps:
        groups.setdefault(-((start - step.until) // period), []).append(step)
    return [_stretch(start + (n - 1) * period, start + n * period, group) for n, group in groups.items()]


def _stretch(since: datetime, until: datetime, steps: Sequence[Step]) -> Stretch:
    held = [s.at_set_point for s in steps if s.at_set_point is not None]
    return Stretch(
        since=since,
        until=until,
        rows=sum(s.rows for s in steps),
        loss=_mean([(s.loss, s.rows) for s in steps]),
        value=_mean([(s.value, s.rows) for s in steps]),
        held=sum(held) / len(held) if held else None,
    )


def _mean(numbers: Sequence[tuple[float | None, int]]) -> float | None:
    known = [(n, rows) for n, rows in numbers if n is not None]
    rows = sum(rows for _, rows in known)
    return sum(n * r for n, r in known) / rows if rows else None


def saved(ours: Sequence[Step], never: Sequence[Step]) -> list[tuple[datetime, float]]:
    """Return how much loss a policy has spared against `never` up to the end of each step, over all rows."""
    total, found = 0.0, []
    for one, other in zip(ours, never, strict=True):
        if one.loss is not None and other.loss is not None:
            total += (other.loss - one.loss) * one.rows
        found.append((one.until, total))
    return found
