"""What an evaluation says: values with intervals, as a frame, JSON, text and HTML."""

import html
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from setpoint.domain.value import value

if TYPE_CHECKING:
    import pandas as pd

NAMED = 2  # metrics that a segment is worse in


@value
class MetricValue:
    """A metric on all rows, or on those of one segment.

    `low` and `high` bound it at 95 %; of segments, for all segments at once. `value` is None where the metric is not
    defined on the rows (`why`), the bounds where the rows are too few. `worse`: surely worse than all rows together.
    """

    metric: str
    value: float | None
    rows: int
    low: float | None = None
    high: float | None = None
    segment: str | None = None
    worse: bool = False
    why: str = ""


@value
class GapValue:
    """The largest gap of a rate between the segments of a column, bounded over all pairs of them at once.

    `unfair`: its lower bound passes `floor`.
    """

    of: str
    by: str
    value: float
    low: float
    high: float
    highest: str
    lowest: str
    floor: float
    unfair: bool
    rows: int


@value
class SliceValue:
    """Rows named by up to three conditions whose loss is surely above that of the others; see `find_slices`."""

    name: str
    rows: int
    share: float
    loss: float
    rest: float
    low: float
    high: float


@value
class Evaluation:
    """How good a table of answers is.

    `left_out` are rows without an outcome or an answer; `loss` names what the slices are worse in.
    """

    task: str
    rows: int
    left_out: int
    metrics: tuple[MetricValue, ...]
    segments: tuple[MetricValue, ...] = ()
    gaps: tuple[GapValue, ...] = ()
    slices: tuple[SliceValue, ...] = ()
    loss: str = ""
    notes: tuple[str, ...] = ()

    def __getitem__(self, metric: str) -> MetricValue:
        """Return a metric on all rows by its name; KeyError if it was not measured."""
        found = next((m for m in self.metrics if m.metric == metric), None)
        if found is None:
            raise KeyError(f"{metric!r} was not measured; measured: {', '.join(m.metric for m in self.metrics)}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each metric, of all rows and of each segment."""
        import pandas as pd

        columns = ("metric", "segment", "value", "low", "high", "rows", "worse", "why")
        return pd.DataFrame([asdict(m) for m in (*self.metrics, *self.segments)], columns=list(columns))

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows, {self.task}" + (f"; {self.left_out:,} left out" if self.left_out else "")]
        lines += _table(("metric", "value", "95 % interval", ""), [_row(m) for m in self.metrics])
        worse = [m for m in self.segments if m.worse]
        if worse:
            lines += ["", "Segments that are surely worse than all rows together"]
            lines += _table(("segment", "rows", "in"), _worst(worse))
        if self.gaps:
            lines += ["", "Gaps between segments"]
            lines += _table(("of", "by", "gap", "95 % interval", ""), [_gap(g) for g in self.gaps])
        if self.slices:
            lines += ["", f"Worst slices, by {self.loss}"]
            lines += _table(("slice", "rows", "loss", "elsewhere"), [_slice(s) for s in self.slices])
        return "\n".join([*lines, *(["", *self.notes] if self.notes else [])])

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{self.rows:,} rows, {html.escape(self.task)}</b></p>"]
        parts.append(_html(("metric", "value", "95 % interval", ""), [_row(m) for m in self.metrics]))
        if self.segments:
            cells = [(m.segment or "", *_row(m)[:3], "worse" if m.worse else m.why) for m in self.segments]
            parts += ["<p>Segments</p>", _html(("segment", "metric", "value", "interval", ""), cells)]
        if self.gaps:
            parts += ["<p>Gaps between segments</p>"]
            parts += [_html(("of", "by", "gap", "95 % interval", ""), [_gap(g) for g in self.gaps])]
        if self.slices:
            parts += [f"<p>Worst slices, by {html.escape(self.loss)}</p>"]
            parts += [_html(("slice", "rows", "loss", "elsewhere"), [_slice(s) for s in self.slices])]
        return "".join([*parts, *(f"<p>{html.escape(note)}</p>" for note in self.notes)])


Cells = tuple[str, ...]


def _row(m: MetricValue) -> Cells:
    return m.metric, _number(m.value), _interval(m.low, m.high), m.why


def _worst(worse: list[MetricValue]) -> list[Cells]:
    """Return a row for each segment: its size, and what it is worse in."""
    found: list[Cells] = []
    for name in dict.fromkeys(m.segment or "" for m in worse):
        own = [m for m in worse if m.segment == name]
        said = [f"{m.metric} {_number(m.value)} ({_interval(m.low, m.high)})" for m in own[:NAMED]]
        more = f" and {len(own) - NAMED} more" if len(own) > NAMED else ""
        found.append((name, f"{own[0].rows:,}", ", ".join(said) + more))
    return found


def _gap(g: GapValue) -> Cells:
    between = f"{g.highest} over {g.lowest}" + (f"; surely above {g.floor:.3g}" if g.unfair else "")
    return g.of, g.by, _number(g.value), _interval(g.low, g.high), between


def _slice(s: SliceValue) -> Cells:
    return s.name, f"{s.rows:,}", _number(s.loss), _number(s.rest)


def _number(number: float | None) -> str:
    return "–" if number is None else f"{number:.4g}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _table(head: Cells, rows: list[Cells]) -> list[str]:
    """Lay out cells in columns of equal width; the last is as long as it is."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)]  # fmt: skip


def _html(head: Cells, rows: list[Cells]) -> str:
    top = "".join(f"<th style='text-align:left'>{html.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _plain(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {key: _plain(part) for key, part in thing.items()}
    if isinstance(thing, list | tuple):
        return [_plain(part) for part in thing]
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing
