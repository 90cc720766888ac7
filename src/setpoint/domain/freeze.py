"""Freeze windows: stretches of the week, or of the calendar, in which no traffic moves to anything new."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from setpoint.domain.value import value

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 24 * 60
WEEK_MIN = 7 * DAY_MIN


@value
class Freeze:
    """A stretch of each week, in minutes since Monday 00:00, or the days from `first` to `last`, both included.

    All are of the clock in `zone`, whatever summer time does to it.
    """

    start_min: int = 0
    end_min: int = 0
    first: date | None = None
    last: date | None = None
    zone: str = "UTC"

    def holds(self, now: datetime) -> bool:
        """Whether a time lies in the window, which may go over the end of the week."""
        local = now.astimezone(ZoneInfo(self.zone))
        if self.first is not None and self.last is not None:
            return self.first <= local.date() <= self.last
        minute = DAY_MIN * local.weekday() + 60 * local.hour + local.minute
        if self.start_min <= self.end_min:
            return self.start_min <= minute < self.end_min
        return minute >= self.start_min or minute < self.end_min

    def end(self, now: datetime) -> datetime:
        """Return when the window that holds ends."""
        local = now.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        if self.last is not None:
            over = datetime.combine(self.last + timedelta(days=1), datetime.min.time())
        else:
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            minute = DAY_MIN * local.weekday() + 60 * local.hour + local.minute
            left = (self.end_min - minute) % WEEK_MIN
            day, clock = divmod(60 * local.hour + local.minute + left, DAY_MIN)
            over = midnight + timedelta(days=day, minutes=clock)
        return over.replace(tzinfo=ZoneInfo(self.zone)).astimezone(now.tzinfo)

    @property
    def words(self) -> str:
        """The window as it is written in setpoint.yaml."""
        if self.first is not None:
            text = f"{self.first} - {self.last}"
        else:
            text = f"{_minute(self.start_min)} - {_minute(self.end_min)}"
        return text if self.zone == "UTC" else f"{text} {self.zone}"


def _minute(minute: int) -> str:
    day, rest = divmod(minute, DAY_MIN)
    return f"{DAYS[day]} {rest // 60:02d}:{rest % 60:02d}"


def frozen(freezes: Iterable[Freeze], now: datetime) -> str:
    """Return in words which window holds, and until when; an empty text if none does."""
    for freeze in freezes:
        if freeze.holds(now):
            return f"frozen until {freeze.end(now):%Y-%m-%d %H:%M %Z} ({freeze.words})"
    return ""
