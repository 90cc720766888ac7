"""Recorded inputs beside what their source says of the same records when it is asked again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from setpoint.domain.records import Column, Columns
from setpoint.domain.value import value


@value
class Audit:
    """How inputs are fetched again: a function of the user's, and for how many records a day it is asked."""

    function: str
    rows_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refetched:
    """What the source says of some rows: which it knows, shape (n,), and its columns over those; or an error."""

    known: Column
    columns: Columns = field(default_factory=dict)
    error: str = ""


@value
class Difference:
    """Values of one column that are not what their source says.

    `first` is the event time of the first such row, `ids` are some of them. `like` is the cause that makes out of every
    value of the source just what was recorded (`null`, `unit`, `renamed`, `swapped`); empty if none does.
    """

    column: str
    rows: int
    first: datetime
    ids: tuple[str, ...]
    like: str = ""


@value
class Audited:
    """One comparison, made at `at`, of records whose event times lie from `since` to `until`.

    `columns` are those of which the source says something; no difference in one of them is evidence, too.
    """

    at: datetime
    since: datetime
    until: datetime
    rows: int
    columns: tuple[str, ...]
    differ: tuple[Difference, ...] = ()

    def of(self, column: str) -> Difference | None:
        """Return how a column differs; None where it does not."""
        return next((d for d in self.differ if d.column == column), None)


@value
class Unanswered:
    """A source that does not answer: since when, when it was asked last, how often since then, and what it said."""

    function: str
    since: datetime
    at: datetime
    times: int
    why: str


def counted(audits: Iterable[Audited], column: str) -> tuple[int, int]:
    """Return how many values of a column differ, and how many were compared."""
    asked = [a for a in audits if column in a.columns]
    return sum(d.rows for a in asked if (d := a.of(column)) is not None), sum(a.rows for a in asked)
