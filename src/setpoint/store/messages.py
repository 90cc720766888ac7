"""A notifier that sends nothing: for replay, and for tests that read what would have been told."""

from collections.abc import Mapping, Sequence

from setpoint.domain.notice import Message


class MemoryNotifier:
    """Fulfils `ports.Notifier`: keeps what it is given in `sent`, as (channel, message).

    Parameters
    ----------
    home : sequence of str
        Whom the home tells; nobody, as in a replay, where it is empty and so is every `to`.
    """

    def __init__(self, home: Sequence[str] = ()) -> None:
        self._home = tuple(home)
        self.sent: list[tuple[str, Message]] = []
        self.failures: dict[str, str] = {}  # why channels fail, in tests

    def channels(self, to: Sequence[str] | None) -> tuple[str, ...]:
        return self._home if to is None else tuple(to)

    def check(self, to: Sequence[str]) -> None:
        """Take any address."""

    def send(self, to: Sequence[str] | None, messages: Mapping[str, Message]) -> dict[str, str]:
        self.sent += [(c, m) for c, m in messages.items() if not self.failures.get(c)]
        return {c: self.failures.get(c, "") for c in messages}
