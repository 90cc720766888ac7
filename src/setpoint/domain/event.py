"""What happened to an incident: one entry of its timeline."""

from datetime import datetime
from enum import StrEnum

from setpoint.domain.envelope import LOOP
from setpoint.domain.value import value


class What(StrEnum):
    """The steps in the life of an incident."""

    OPENED = "opened"
    LOCATED = "located"  # a likeliest cause was found, or another one than before
    ASKED = "asked"  # a remedy is proposed to a person
    APPROVED = "approved"
    REFUSED = "refused"
    MENDED = "mended"  # a remedy was put in place
    RECOVERED = "recovered"
    LIFTED = "lifted"  # the remedy is no longer needed
    UNDONE = "undone"  # it did not help, or a person took it back
    TAKEN = "taken over"  # by a person: the loop does not act on it
    GIVEN_BACK = "given back"  # to the loop
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    NOTED = "noted"


@value
class Event:
    """When something happened, what it was, who did it, and what was said of it."""

    at: datetime
    what: What
    said: str
    by: str = LOOP

    @property
    def line(self) -> str:
        """Return it as one line for people."""
        return f"{self.at:%Y-%m-%d %H:%M} {self.said}"

    @property
    def by_person(self) -> bool:
        """Whether a person did it."""
        return self.by != LOOP
