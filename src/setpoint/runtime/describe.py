"""Calling the user's `profile:` function on recorded inputs, so that whatever it does, ingestion goes on."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from setpoint.domain.described import joined, prefixed
from setpoint.domain.records import Column, Columns
from setpoint.runtime.called import Called

ANSWER_S = 10.0
ROWS = 10_000  # rows a call


@dataclass(frozen=True, slots=True)
class Described:
    """Columns beside the inputs, under their full names, each of shape (n,), and what went wrong, in words.

    What went wrong is null, or has no column at all.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


class Describer(Called):
    """Describes inputs by a user's function, in a process of its own; it never raises.

    An exception, a hang, a death, a wrong length or type become nulls and an error in words; `failed` counts the calls
    that had one, `last_error` is the latest. After a hang or a death the function is left alone for a while.

    Parameters
    ----------
    function : str
        `path/to/file.py:function`, taking a data frame of inputs and returning a mapping of columns of equal length.
    answer_s : float
        The longest a call on at most 10,000 rows may take.
    """

    def __init__(self, function: str, *, answer_s: float = ANSWER_S) -> None:
        super().__init__(function, module="setpoint.runtime.describing", key="profile", answer_s=answer_s)
        self.failed = 0

    def describe(self, inputs: Columns) -> Described:
        """Describe rows; `inputs` are columns of equal length, numbers or objects holding str and None."""
        parts, errors = [], []
        for part, rows in _parts(inputs):
            columns, error = self.ask(part)
            parts.append((columns, rows))
            if error:
                errors.append(error)
        self.failed += len(errors)
        return Described(prefixed(self.function, joined(parts)), tuple(dict.fromkeys(errors)))

    def columns(self, inputs: Columns) -> Columns:
        """Describe rows; what goes wrong is null, counted and remembered, and no more said of it."""
        return self.describe(inputs).columns


def _parts(inputs: Columns) -> Iterator[tuple[Columns, int]]:
    rows = len(next(iter(inputs.values()))) if inputs else 0
    for start in range(0, rows, ROWS):
        stop = min(start + ROWS, rows)
        yield {name: column[start:stop] for name, column in inputs.items()}, stop - start
