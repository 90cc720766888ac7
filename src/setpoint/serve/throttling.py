"""Callers who are held to so many requests a second: refused with 429 beyond, before anything is decoded."""

import math
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from setpoint.domain.throttle import Throttle
from setpoint.errors import Throttled

BURST_S = 1.0  # what a caller may save up
ROUNDED = 1e-6


class Throttles:
    """The throttles of one model in this worker.

    Parameters
    ----------
    throttles : sequence of Throttle
    named : callable
        Returns a caller as records name them.
    """

    def __init__(
        self,
        throttles: Sequence[Throttle],
        named: Callable[[str], str] = str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._by_caller = {t.caller: t for t in throttles}
        self._named, self._clock = named, clock
        self._saved = {t.caller: max(1.0, BURST_S * t.per_s) for t in throttles}
        self._at = dict.fromkeys(self._saved, clock())

    def admit(self, caller: str) -> None:
        """Take one request of a caller.

        Raises
        ------
        Throttled
            With the reason, and when to try again.
        """
        name = self._named(caller)
        throttle, now = self._by_caller.get(name), self._clock()
        if throttle is None or throttle.until is None or now >= throttle.until.timestamp():
            return
        earned = (now - self._at[name]) * throttle.per_s
        self._saved[name] = min(max(1.0, BURST_S * throttle.per_s), self._saved[name] + earned)
        self._at[name] = now
        if self._saved[name] >= 1.0 - ROUNDED:
            self._saved[name] -= 1.0
            return
        retry_s = max(1, math.ceil((1.0 - self._saved[name]) / throttle.per_s))
        until = f"{datetime.fromtimestamp(throttle.until.timestamp(), UTC):%Y-%m-%d %H:%M} UTC"
        raise Throttled(
            f"throttled: your requests are held to {throttle.per_s:.3g} a second until {until}, for they came in a "
            f"burst of nearly the same rows ({throttle.id}). Try again in {retry_s} s, or ask the operator",
            retry_s,
            throttle.id,
        )
