"""Telling people: whom, of what, and what was told already."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from setpoint.domain.value import value

HOURS_S = 3_600.0


class Severity(StrEnum):
    """How much an incident matters now."""

    WARNING = "warning"  # something moved; the set point holds, as far as is known
    CRITICAL = "critical"  # answers are worse, slower or fewer than the set point asks


@value
class Quiet:
    """A stretch of each day in which only what is critical is told; minutes since midnight in a time zone."""

    start_min: int
    end_min: int
    zone: str = "UTC"

    @property
    def text(self) -> str:
        """As it is written in setpoint.yaml."""
        start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (self.start_min, self.end_min))
        return f"{start}-{end} {self.zone}"

    def holds(self, now: datetime) -> bool:
        """Whether a time lies in the stretch, which may go over midnight."""
        local = now.astimezone(ZoneInfo(self.zone))
        minute = 60 * local.hour + local.minute
        if self.start_min <= self.end_min:
            return self.start_min <= minute < self.end_min
        return minute >= self.start_min or minute < self.end_min


@value
class Alerts:
    """What setpoint.yaml says of telling people.

    `to` are addresses as they are written there, with `${NAME}` for what is secret; None is whom the home tells.
    """

    to: tuple[str, ...] | None = None
    at_least: Severity = Severity.WARNING
    remind_s: float = 4 * HOURS_S
    quiet: Quiet | None = None


@value
class Silence:
    """Incidents that nobody is told of for a while: all of a model, or those of one column."""

    id: str
    since: datetime
    until: datetime
    by: str
    column: str | None = None
    why: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.since <= now < self.until


@value
class Told:
    """What people know of an incident, or of a candidate that waits for them (`about` is an id, or a version)."""

    about: str
    status: str
    severity: Severity
    at: datetime  # when they were last told anything of it
    lines: int = 0  # of its timeline


@value
class Message:
    """One text for people, in two forms; `severity` is None where it only says that something is over."""

    id: str
    model: str
    title: str
    text: str
    markdown: str
    severity: Severity | None


@value
class Delivery:
    """A message on its way to one channel; `due` is when it may be tried again, `why` what went wrong."""

    message: Message
    channel: str
    due: datetime | None = None
    attempts: int = 0
    why: str = ""


@value
class Channel:
    """How a channel has done: when it last took a message, when it last did not and why, how many were given up."""

    name: str
    delivered: datetime | None = None
    failed: datetime | None = None
    why: str = ""
    lost: int = 0

    @property
    def failing(self) -> bool:
        """Whether it did not take what it was last sent."""
        return self.failed is not None and (self.delivered is None or self.delivered < self.failed)


@value
class Telling:
    """What the loop remembers of telling people about one model; `until` is the look that it last told of."""

    until: datetime | None = None
    told: tuple[Told, ...] = ()
    outbox: tuple[Delivery, ...] = ()
    channels: tuple[Channel, ...] = ()
    silences: tuple[Silence, ...] = ()
