"""Tells people through Apprise: a hundred services, each by an address."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from setpoint.domain.notice import Message
from setpoint.errors import InvalidInput
from setpoint.platforms.addresses import HOME, addresses_of, channels_of, unset

if TYPE_CHECKING:
    from setpoint.platforms.attempt import Attempt

LIMIT_S = 10.0  # for all channels together: each has a thread of its own


class AppriseNotifier:
    """Fulfils `ports.Notifier`.

    Parameters
    ----------
    environment : mapping
        What `${NAME}` stands for; `SETPOINT_ALERTS` in it is whom the home tells.
    limit_s : float
        Longest time that `send` takes. An attempt that takes longer has failed, and no other begins until it ends.
    """

    def __init__(self, environment: Mapping[str, str], limit_s: float = LIMIT_S) -> None:
        self._environment, self._limit_s = environment, limit_s
        self._attempts: dict[str, Attempt] = {}

    def channels(self, to: Sequence[str] | None) -> tuple[str, ...]:
        return tuple(self._addresses(to))

    def check(self, to: Sequence[str]) -> None:
        # slow to import, and most commands tell nobody
        from setpoint.platforms.attempt import check_address

        for written in to:
            if missing := unset(written, self._environment):
                raise InvalidInput(f"alerts.to: {missing[0]} is not set in the environment; `setpoint up` needs it too")
            for address in addresses_of(written, self._environment):
                check_address(written, address)

    def send(self, to: Sequence[str] | None, messages: Mapping[str, Message]) -> dict[str, str]:
        from setpoint.platforms.attempt import Attempt

        addresses = self._addresses(to)
        failures = {c: "" if c in addresses else "no such channel any more" for c in messages}
        begun = {}
        for channel in (c for c in messages if not failures[c]):
            if channel in self._attempts and self._attempts[channel].is_alive():
                failures[channel] = "the attempt before has not ended"
                continue
            begun[channel] = self._attempts[channel] = Attempt(addresses[channel], messages[channel])
            begun[channel].start()
        end = time.monotonic() + self._limit_s
        for channel, attempt in begun.items():
            attempt.join(max(end - time.monotonic(), 0.0))
            failures[channel] = f"no answer within {self._limit_s:g} s" if attempt.is_alive() else attempt.failure
        return failures

    def _addresses(self, to: Sequence[str] | None) -> dict[str, str]:
        home = [] if unset(HOME, self._environment) else [HOME]
        return channels_of(home if to is None else to, self._environment)
