"""Which of the rows that were asked when a process ended ends one again, each asked in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.incident import Incident, Repair
from setpoint.domain.isolation import SHORT
from setpoint.domain.records import Columns
from setpoint.domain.requested import Requested
from setpoint.maintain.marks import Bools

QUESTIONS = 24  # a process each
FOLLOWED = timedelta(seconds=10)  # until every worker surely refuses the rows
SETTLED = timedelta(minutes=10)
EXAMPLES = 3

Ends = Callable[[Columns], str]  # how a fresh process ended that was asked these rows; empty if it did not


@dataclass(frozen=True, slots=True, kw_only=True)
class Fatal:
    """Different rows that were asked when processes ended, by `digests`, and which of them end one again, and how."""

    asked: Requested
    digests: tuple[str, ...]
    ends: Bools
    how: str

    @property
    def culprits(self) -> tuple[str, ...]:
        """The digests of those that do."""
        return tuple(d for d, ends in zip(self.digests, self.ends, strict=True) if ends)

    @property
    def examples(self) -> tuple[str, ...]:
        """Ids of their requests."""
        return tuple(dict.fromkeys(str(i) for i in self.asked.id[self.ends]))[-EXAMPLES:]

    @property
    def subject(self) -> str:
        """What to call them."""
        return ", ".join(f"row {digest[:SHORT]}" for digest in self.culprits)

    @property
    def words(self) -> tuple[str, ...]:
        """Say what was asked, and what came of asking it again."""
        n, bad = len(self.asked), int(self.ends.sum())
        ids = ", ".join(str(i) for i in self.asked.id[-EXAMPLES:])
        asked = f"{n} different row{'s were' if n > 1 else ' was'} asked when it ended, such as {ids}"
        if not bad:
            return asked, "asked again in a process of its own, none of them ended it: no request is to blame"
        verb = "ends" if bad == 1 else "end"
        return (
            asked,
            f"asked again, each in a process of its own, {self.subject} of {', '.join(self.examples)} {verb} "
            f"it ({self.how}), and {n - bad} do not",
        )


def fatal_rows(ends: Ends, inputs: Columns) -> tuple[Bools, str]:
    """Return which rows end a process by themselves, shape (n,), and how the first of them does.

    All are asked at once; where that ends it, both halves. After 24 questions the rest is taken for innocent.
    """
    n, asked, how = len(next(iter(inputs.values()), ())), 0, ""
    found = np.zeros(n, bool)

    def ask(rows: NDArray[np.int64]) -> None:
        nonlocal asked, how
        if not len(rows) or asked >= QUESTIONS:
            return
        asked += 1
        said = ends({name: column[rows] for name, column in inputs.items()})
        if said and len(rows) == 1:
            found[rows], how = True, how or said
        elif said:
            ask(rows[: len(rows) // 2])
            ask(rows[len(rows) // 2 :])

    ask(np.arange(n))
    return found, how


def keeps_up(incident: Incident, repair: Repair, now: datetime) -> tuple[bool | None, str]:
    """Judge an isolation: True, no process ended since; False, one did all the same."""
    assert repair.applied is not None
    alarms = [f for f in incident.findings if f.monitor == "process" and f.alarm]
    again = [f for f in alarms if f.until > repair.applied + FOLLOWED]
    if again:
        return False, f"{again[-1].detail}, though these rows were refused"
    if repair.stopped:
        return True, f"{repair.stopped:,} requests with these rows were refused, and no process ended since"
    if now - repair.applied >= SETTLED:
        return True, f"no process ended in {SETTLED.total_seconds() / 60:.0f} min since"
    return None, ""
