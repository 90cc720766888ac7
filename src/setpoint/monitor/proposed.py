"""What a proposal says: each metric with its limit, its window, and the change that is seen there."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from setpoint.domain.value import value

if TYPE_CHECKING:
    import pandas as pd

Cells = tuple[str, ...]
SHOWN = 30  # columns in a text
DAY_S = 86_400.0


@value
class Need:
    """Records from which a change of this size is found with 80 % power; None where no number of them is enough."""

    change: float
    rows: int | None


@value
class Watch:
    """One thing that is watched.

    `limit` is the bound to hold (of columns: the smallest effect that counts), `measured` what the reference shows,
    between `low` and `high` at 95 %. `rows` are the records of a window at the usual rate, None where that is not
    known. `smallest` and `smallest_95` are the smallest changes found in it with 80 and 95 % power, in `unit`; None
    where none is. `false_alarms` are at most so many a year. `held`: it is in the set point, or watched without asking;
    the others are worth a thought.
    """

    monitor: str
    metric: str
    window_s: float
    unit: str
    column: str | None = None
    held: bool = True
    limit: float | None = None
    at_least: bool = False
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    rows: float | None = None
    smallest: float | None = None
    smallest_95: float | None = None
    needs: tuple[Need, ...] = ()
    false_alarms: float = 0.0
    why: str = ""
    remark: str = ""
    top: float | None = None
    season: int | None = None

    @property
    def bound(self) -> str:
        """The bound in words: `at least 0.81`."""
        if self.limit is None:
            return ""
        share = self.unit == "share" and self.metric.endswith("burn")
        number = f"{100 * self.limit:.3g} % fail" if share else f"{self.limit:.4g}"
        return f"{'at least' if self.at_least else 'at most'} {number}"


@value
class ColumnNote:
    """What is to be said of a column: constant, an id, all null, watched by its runs."""

    column: str
    text: str


@value
class Proposal:
    """What to watch a model by, and what each monitor can see.

    `rows` are those of the reference, `worth` how many independent rows they weigh in its quality (None where there are
    no answers to judge), `days` the time they span, `rate_a_day` the records a day that windows are sized for; both
    None where not known. `segments` and `sensitive` are columns by whose values rows may be counted apart: the latter
    by their name only for fairness. `how` says what was scored.
    """

    task: str
    rows: int
    watches: tuple[Watch, ...]
    worth: int | None = None
    days: float | None = None
    rate_a_day: float | None = None
    delay_s: float = 0.0
    false_actions_per_year: float = 2.0
    how: str = ""
    columns: tuple[ColumnNote, ...] = ()
    segments: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, monitor: str) -> tuple[Watch, ...]:
        """Return what one monitor watches: `quality`, `service`, `drift` or `data_quality`."""
        return tuple(w for w in self.watches if w.monitor == monitor)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        return asdict(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each thing watched; `needed_<change>` are records."""
        import pandas as pd

        rows = []
        for w in self.watches:
            plain = {k: v for k, v in asdict(w).items() if k != "needs"}
            rows.append({**plain, **{f"needed_{n.change:.3g}": n.rows for n in w.needs}})
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        lines = [self._head(), *_quality(self.of("quality")), *_service(self.of("service"))]
        lines += _columns(self)
        if self.segments:
            lines += ["", f"Segments worth counting apart: {', '.join(self.segments)}"]
        if self.sensitive:
            lines += ["", f"For fairness only, by their names: {', '.join(self.sensitive)} (not proposed as segments)"]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)

    def _head(self) -> str:
        rate = "rate not known" if self.rate_a_day is None else f"{quantity(self.rate_a_day)} records a day"
        span = "" if self.days is None else f" over {self.days:,.3g} days"
        worth = "" if self.worth is None or 4 * self.worth > self.rows else f", worth {self.worth:,} independent ones"
        budget = f"at most {self.false_actions_per_year:g} false actions a year"
        return f"{self.task}, {self.rows:,} reference rows{span}{worth}; {rate}; {budget}"


def quantity(number: float | None) -> str:
    """Write a count that people read: 65, 4,300, 1.2 million; a dash where there is none."""
    if number is None or not math.isfinite(number):
        return "–"
    if number >= 1e6:
        return f"{number / 1e6:.3g} million"
    if number < 100:
        return f"{number:.2g}"
    unit = 10.0 ** (math.floor(math.log10(number)) - 1)
    return f"{round(number / unit) * unit:,.0f}"


def _quality(watches: tuple[Watch, ...]) -> list[str]:
    if not watches:
        return []
    head = (
        "",
        "metric",
        "measured",
        "limit",
        "window",
        "records",
        "finds (80 %)",
        "records for a change of",
        "false a year",
    )
    rows = []
    for w in watches:
        interval = "" if w.low is None else f" ({w.low:.3g} to {w.high:.3g})"
        said = "–" if w.measured is None else f"{w.measured:.4g}{interval}"
        first = "*" if w.held else "", name_of(w), said, w.bound
        rows.append((*first, _span(w.window_s), quantity(w.rows), _found(w), _needs(w), _false(w)))
    told = [f"  {name_of(w)}: {w.why}" + (f". {w.remark}" if w.remark else "") for w in watches]
    return ["", "Quality (* is held; the others are worth a thought)", *_table(head, rows), *told]


def name_of(w: Watch) -> str:
    """Return the metric with what it needs to be told."""
    return w.metric + (f" {w.top:.1%}" if w.top is not None else "")


def _service(watches: tuple[Watch, ...]) -> list[str]:
    if not watches:
        return []
    head = ("metric", "limit", "window", "records", "finds (80 %)", "records for a change of", "false a year")
    rows = [
        (w.metric, w.bound, _span(w.window_s), quantity(w.rows), _found(w), _needs(w), _false(w))
        for w in watches
        if w.needs or w.smallest is not None  # a pace that few requests cannot show is left to the whole window
    ]
    told = [f"  {w.metric}: {w.why}" for w in watches if w.why]
    return ["", "Service", *_table(head, rows), *told]


def _span(seconds: float) -> str:
    """Write a stretch of time: 2.4 h where `duration` says 144m."""
    unit, length = next(((u, s) for u, s in (("d", DAY_S), ("h", 3_600.0)) if seconds >= s), ("min", 60.0))
    return f"{seconds / length:.3g} {unit}"


def _found(w: Watch) -> str:
    """Write the smallest change that is seen: where a metric would stand, or the share of rows."""
    if w.smallest is None:
        return "nothing" if w.rows is not None else "–"
    if w.monitor == "quality" and w.measured is not None:
        return f"{w.measured + (-w.smallest if w.at_least else w.smallest):.3g}"
    return _size(w.smallest, w.unit)


def _size(change: float, unit: str) -> str:
    return f"{100 * change:.3g} %" if unit == "share" else f"{change:.3g} {unit}".rstrip()


def _needs(w: Watch) -> str:
    if not any(n.rows for n in w.needs):
        return "never" if w.needs else ""
    return ", ".join(f"{_size(n.change, w.unit)}: {quantity(n.rows) if n.rows else 'never'}" for n in w.needs)


def _false(w: Watch) -> str:
    return f"{w.false_alarms:.2g}"


def _columns(proposal: Proposal) -> list[str]:
    """Write a line for each column: the smallest shift that a day and a week show, and the records that others need."""
    notes = {note.column: note.text for note in proposal.columns}
    by: dict[str, dict[str, Watch]] = {}
    for w in proposal.watches:
        if w.column is not None:
            by.setdefault(w.column, {})[w.metric] = w
    by |= {name: {} for name in notes if name not in by}
    if not by:
        return []
    head = ("column", "shift in a day", "in a week", "records for a shift of", "nulls in a day", "")
    rows = [_column(name, seen, notes.get(name, "")) for name, seen in by.items()]
    more = [f"  … and {len(rows) - SHOWN} columns more; --json has them all"] if len(rows) > SHOWN else []
    return ["", "Columns (smallest change found in 80 of 100 cases)",
            *_table(head, rows[:SHOWN]), *more]  # fmt: skip


def _column(name: str, seen: dict[str, Watch], note: str) -> tuple[str, ...]:
    sudden = seen.get("drift_location") or seen.get("drift_tv")
    gradual = seen.get("drift_location_slow") or seen.get("drift_tv_slow")
    nulls = seen.get("null_rate")
    cells = [_found(w) if w else "" for w in (sudden, gradual)]
    return name, *cells, _needs(gradual) if gradual else "", _found(nulls) if nulls else "", note


def _table(head: Cells, rows: Sequence[Cells]) -> list[str]:
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)]  # fmt: skip
