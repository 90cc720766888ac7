"""The windows of one look: since the last one, the last hour, the last day; each with the blocks before it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import moment, stamp
from setpoint.domain.series import Series, joined
from setpoint.monitor.scope import DAY, HOUR, MINUTE, Scope, floored

FEWEST_ROWS = 24  # of a window
FEWEST_BLOCKS = 8  # that can foretell another, and rows of a block
LIKED_BLOCKS = 14
MOST_BLOCKS = {"look": 60, "hour": 28 * 24, "day": 28}
FEWEST_OF_A_PHASE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """A window, and sound stretches of the same length before it.

    Parameters
    ----------
    name : str
        `look`, `hour` or `day`.
    stretches : Series
        What the window consists of, in order of time.
    rows : int
        Rows of the window.
    now, before : Series
        The window as one block or several, and the blocks before it; `before` is empty where there are too few.
    phase : ndarray of shape (len(before),), int, optional
        Hour of the day of each block before, where hours are compared with the same hour.
    phase_now : int
        Hour of the day of the window.
    """

    name: str
    stretches: Series
    rows: int
    now: Series
    before: Series
    phase: NDArray[np.int64] | None = None
    phase_now: int = 0

    @property
    def since(self) -> datetime:
        """When the window begins."""
        return moment(self.stretches.starts[0])


def horizons(scope: Scope, started: datetime, now: datetime) -> Iterator[Horizon]:
    """Yield the windows of a look, the shortest first; one that is no longer than the one before is left out.

    Each is widened backwards until it holds `FEWEST_ROWS` rows; there is none where no window does.
    """
    longest = timedelta(0)
    hourly = joined([scope.hours, scope.running.coarser(len(scope.running))])
    for name, length in (("look", now - started), ("hour", HOUR), ("day", DAY)):
        found = _by_minutes(scope, name, now - length) or _by_hours(scope, hourly, name, now - length)
        if found is not None and now - found.since > longest:
            longest = now - found.since
            yield found


def _by_minutes(scope: Scope, name: str, since: datetime) -> Horizon | None:
    """Return a window of whole minutes, if there are enough minutes before it to compare it with."""
    first = _widened(scope.minutes, floored(since, MINUTE))
    if first is None or first < (len(scope.minutes) - first) * FEWEST_BLOCKS:
        return None
    window = scope.minutes.take(slice(first, None))
    past = scope.sound(scope.minutes, moment(window.starts[0]))
    now, before = _blocks(window, past, len(window), name)
    return Horizon(name=name, stretches=window, rows=int(now.rows.sum()), now=now, before=before)


def _by_hours(scope: Scope, hourly: Series, name: str, since: datetime) -> Horizon | None:
    """Return a window that begins with a whole hour; `hourly` are the hours with the running one, cut short."""
    first = _widened(hourly, floored(since, HOUR))
    if first is None:
        return None
    window = hourly.take(slice(first, None))
    since = moment(window.starts[0])
    past = scope.sound(scope.hours, since)
    whole = max(len(window) - (len(hourly) - len(scope.hours)), 1)
    now, before = _blocks(window, past, whole, name)
    found = Horizon(name=name, stretches=scope.since(since), rows=int(now.rows.sum()), now=now, before=before)
    return _phased(found) if name == "hour" and whole == 1 else found


def _widened(series: Series, since: datetime) -> int | None:
    """Return where a window begins that holds enough rows: at a time, or as much earlier as it takes."""
    rows = series.rows[::-1].cumsum()[::-1]
    latest = int((rows >= FEWEST_ROWS).sum()) - 1
    return None if latest < 0 else min(latest, int((series.starts < stamp(since)).sum()))


def _blocks(window: Series, past: Series, whole: int, name: str) -> tuple[Series, Series]:
    """Cut a window, and the time before it, into blocks of its length, or of a part of it where there are too few."""
    size = whole if len(past) >= whole * FEWEST_BLOCKS else len(past) // LIKED_BLOCKS
    before = past.take(slice(-size * MOST_BLOCKS[name], None)).coarser(size) if size else past.take(slice(0))
    if (before.rows >= FEWEST_BLOCKS).sum() < FEWEST_BLOCKS:
        return window.summed(np.zeros(1, np.int64)), before.take(slice(0))
    return window.summed(np.arange(max(whole // size, 1)) * size), before


def _phased(found: Horizon) -> Horizon:
    """Have an hour compared with the same hour of other days, where there are enough of them."""
    phase, now = (hours_of_day(s.starts) for s in (found.before, found.now))
    if np.bincount(phase, minlength=24).min(initial=FEWEST_OF_A_PHASE) < FEWEST_OF_A_PHASE or not len(phase):
        return found
    return replace(found, phase=phase, phase_now=int(now[0]))


def hours_of_day(starts: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return the hour of the day (UTC) of each time."""
    return starts.astype("datetime64[h]").astype(np.int64) % 24


def surest(findings: list[Finding]) -> list[Finding]:
    """Return one finding for each metric and column: an alarm if there is one, and the furthest beyond its limit."""
    kept: dict[tuple[str, str | None], Finding] = {}
    for f in findings:
        best = kept.get((f.metric, f.column))
        if best is None or (f.alarm, f.value / f.limit) > (best.alarm, best.value / best.limit):
            kept[f.metric, f.column] = f
    return list(kept.values())
