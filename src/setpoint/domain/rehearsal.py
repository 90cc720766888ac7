"""Rehearsals of going back: a sleeping copy of the version before is woken now and then, and asked what it answered."""

from datetime import datetime, timedelta

from setpoint.domain.value import value

DAILY = timedelta(days=1)


@value
class Kept:
    """What a version answered to the first rows of its reference: the SHA-256 of all outputs, and the scores."""

    version: str
    digest: str
    scores: tuple[float, ...]


@value
class Rehearsal:
    """How a rehearsal went.

    `version` is the one that would be gone back to from `champion`; empty: there is none. `seconds` is the time until
    a process of its own could answer, `rows` how many answers were compared, `note` why none were. `why` says why one
    cannot go back; empty: one can.
    """

    at: datetime
    champion: str
    version: str
    seconds: float = 0.0
    rows: int = 0
    note: str = ""
    why: str = ""

    @property
    def failed(self) -> bool:
        """Whether one could not have gone back."""
        return bool(self.why)


def due(last: Rehearsal | None, champion: str, version: str, now: datetime) -> bool:
    """Whether it is time: each day, and whenever another version is champion."""
    return last is None or (last.champion, last.version) != (champion, version) or now - last.at >= DAILY
