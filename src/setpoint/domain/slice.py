"""The part of the requests that a challenger's share is taken from, where it is not all of them."""

from collections.abc import Sequence
from typing import Any

from setpoint.domain.value import field, value

Level = str | bool | float


@value
class Only:
    """Requests of these callers, whose rows all have one of the values that are named for each feature.

    Without callers all of them are meant, without features all rows.
    """

    segment: dict[str, tuple[Level, ...]] = field(default_factory=dict)
    callers: tuple[str, ...] = ()

    def asks(self, caller: str) -> bool:
        """Whether requests of a caller are meant."""
        return not self.callers or caller in self.callers

    def has(self, names: Sequence[str], columns: Sequence[Sequence[Any]]) -> bool:
        """Whether all rows of a request are meant; `columns` are in the order of `names`, with one value a row."""
        return all(value in levels for name, levels in self.segment.items() for value in columns[names.index(name)])

    @property
    def words(self) -> str:
        """Say which requests are meant."""
        parts = [f"{name} {' or '.join(map(str, levels))}" for name, levels in self.segment.items()]
        parts += [f"callers {', '.join(self.callers)}"] if self.callers else []
        return " and ".join(parts)
