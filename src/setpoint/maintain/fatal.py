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

QUESTIONS = 26  # a process each
FOLLOWED = timedelta(minutes=5)  # until every worker surely refuses the rows: they were asked again meanwhile
SETTLED = timedelta(minutes=10)
EXAMPLES = 3

Ends = Callable[[Columns], str | None]  # how a fresh process ended that was asked these rows: "" not; None: no copy
NO_COPY = "a copy of the model cannot be asked"


class _OverError(Exception):
    """No question is left."""


class _NoCopyError(Exception):
    """There is nothing to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Which rows end a process, shape (n,), and how the first of them does; or why that could not be told."""

    ends: Bools
    how: str = ""
    unsure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fatal:
    """Different rows that were asked when processes ended, by `digests`, and which of them end one again, and how.

    `unsure` is why that could not be told, if so.
    """

    asked: Requested
    digests: tuple[str, ...]
    ends: Bools
    how: str
    unsure: str = ""

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
        asked = f"when it ended it was asked {n} different rows, such as {ids}" if n > 1 else f"it was asked {ids}"
        if self.unsure:
            return asked, f"whether one of them ends it could not be told: {self.unsure}"
        if not bad:
            return asked, "asked again in a process of its own, none of them ended it: no request is to blame"
        rest = f", and {n - bad} do not" if n > bad else ""
        verb = "ends" if bad == 1 else "end"
        ends = f"{self.subject} of {', '.join(self.examples)} {verb} it ({self.how})"
        return asked, f"asked again, each in a process of its own, {ends}{rest}"


def fatal_rows(
    ends: Ends, inputs: Columns, control: Columns | None, *, in_time: Callable[[], bool] = lambda: True
) -> Found:
    """Return which rows end a process by themselves, each time of two.

    All are asked at once; where that ends it, both halves. Once 26 questions are asked, or the time is over, the rest
    is taken for innocent. No row is to blame where a copy cannot be asked, or the control does not come back from one.

    Parameters
    ----------
    ends : callable
    inputs : Columns
        The rows that were asked when a process ended, shape (n,).
    control : Columns or None
        A row that was answered; None where there is none.
    in_time : callable
        Whether there is time for another question.
    """
    n, asked, how = len(next(iter(inputs.values()), ())), 0, ""
    found = np.zeros(n, bool)
    if control is None:
        return Found(ends=found, unsure="no row is on record that was answered, to ask beside them")
    healthy = ends(control)
    if healthy != "":
        return Found(ends=found, unsure=NO_COPY if healthy is None else "a row that was answered before ends it, too")

    def ask(rows: NDArray[np.int64]) -> str:
        nonlocal asked
        if asked >= QUESTIONS or not in_time():
            raise _OverError
        asked += 1
        said = ends({name: column[rows] for name, column in inputs.items()})
        if said is None:
            raise _NoCopyError
        return said

    def search(rows: NDArray[np.int64]) -> None:
        nonlocal how
        said = ask(rows)
        if said and len(rows) == 1:
            found[rows] = bool(ask(rows))
            how = how or (said if found[rows].all() else "")
        elif said:
            search(rows[: len(rows) // 2])
            search(rows[len(rows) // 2 :])

    try:
        search(np.arange(n))
    except _NoCopyError:
        return Found(ends=np.zeros(n, bool), unsure=NO_COPY)
    except _OverError:
        return Found(ends=found, how=how, unsure="" if found.any() else "it takes too long to ask them one by one")
    return Found(ends=found, how=how)


def keeps_up(incident: Incident, repair: Repair, now: datetime) -> tuple[bool | None, str]:
    """Judge an isolation: True, no process ended since; False, one did all the same."""
    assert repair.applied is not None
    alarms = [f for f in incident.findings if f.monitor == "process" and f.alarm]
    again = [f for f in alarms if f.since > repair.applied + FOLLOWED]
    if again:
        return False, f"{again[-1].detail}, though these rows were refused"
    if repair.stopped:
        return True, f"{repair.stopped:,} requests with these rows were refused, and no process ended since"
    if now - repair.applied >= SETTLED:
        return True, f"no process ended in {SETTLED.total_seconds() / 60:.0f} min since"
    return None, ""
