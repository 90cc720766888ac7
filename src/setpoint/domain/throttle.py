"""A caller who is answered so many requests a second, and no more, for a time."""

from datetime import datetime

from setpoint.domain.value import value


@value
class Throttle:
    """A caller (as records name them) is answered `per_s` requests a second by each worker, up to a deadline.

    `lasts_s` is for how long; `until` is set when it is put in place.
    """

    id: str
    caller: str
    per_s: float
    lasts_s: float
    until: datetime | None = None
