"""What is counted of one part of the rows (all, or a segment): the newest minutes, and the hours before them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.profile import ColumnProfile, Profile
from setpoint.domain.records import moment, stamp
from setpoint.domain.series import Series, joined
from setpoint.monitor.limits import ColumnLimits, Limits

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTES_KEPT = 3 * HOUR  # before the running hour, by the minute
BASELINE = 28 * DAY  # before the look, by the hour

Span = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Counts of one part of the rows up to now.

    Parameters
    ----------
    hours : Series
        Whole hours, up to the one that is running; at least one. Of a segment whole days.
    minutes : Series
        The minutes of the running hour and of some whole hours before it. Of a segment none.
    doubtful : tuple of (since, until)
        Stretches whose rows an incident makes doubtful: they foretell nothing.
    otherwise : tuple of (column, (since, until))
        Stretches in which a column was sent otherwise than usual: of that column, they foretell nothing.
    reference : Profile, optional
        The same part of the version's reference; without it nothing is compared with it.
    limits : Limits
        What is natural for its columns.
    segment : str
        Name of the part; empty for all rows.
    version : str, optional
        The only version whose answers are counted.
    role : str
        Part that the version plays: `champion`, `challenger` or `shadow`.
    divided : int
        Among how many such parts the error that a test may have is divided.
    """

    hours: Series
    minutes: Series
    limits: Limits
    doubtful: tuple[Span, ...] = ()
    otherwise: tuple[tuple[str, Span], ...] = ()
    reference: Profile | None = None
    segment: str = ""
    version: str | None = None
    role: str = "champion"
    divided: int = 1

    @property
    def watched(self) -> dict[str, ColumnLimits]:
        """The columns that are counted, and what is natural for each."""
        return {name: limits for name, limits in self.limits.columns.items() if name in self.hours.columns}

    def known(self, column: str) -> ColumnProfile | None:
        """Return the reference of a column, if there is one."""
        return self.reference.columns.get(column) if self.reference is not None else None

    @property
    def running(self) -> Series:
        """The minutes since the last whole hour."""
        return self.minutes.between(moment(self.hours.starts[-1]) + self.hours.every, None)

    def since(self, when: datetime) -> Series:
        """Return the stretches from the begin of an hour on: whole hours, then the minutes of the running one."""
        return joined([self.hours.between(when, None), self.running])

    def sound(self, series: Series, until: datetime) -> Series:
        """Return the stretches that end by a time and that no incident makes doubtful; columns sent otherwise blank."""
        past = series.between(None, until - series.every + MICROSECOND)
        keep = np.ones(len(past), dtype=bool)
        for span in self.doubtful:
            keep &= _clear(past, span)
        for column, span in self.otherwise:
            past = past.blanked(column, ~_clear(past, span))
        return past if keep.all() else past.take(keep)


def _clear(series: Series, span: Span) -> NDArray[np.bool_]:
    """Return which stretches have nothing of a span."""
    begin, end = span
    before: NDArray[np.bool_] = series.starts + np.timedelta64(series.every) <= stamp(begin)
    return before if end is None else before | (series.starts >= stamp(end))


def floored(when: datetime, step: timedelta) -> datetime:
    """Return the last multiple of a step since 1970 that is not after a time."""
    return when - (when - EPOCH) % step
