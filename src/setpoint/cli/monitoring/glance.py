"""An overview in the terminal: what matters first, within 80 columns."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from setpoint.cli.monitoring.sparks import spark
from setpoint.cli.show import number, visible
from setpoint.monitor.overview.values import ColumnView, ObjectiveView, Overview, State
from setpoint.monitor.report.writing import cut, share, span

MARKS = {State.ALARM: "✗", State.MOVED: "◆", State.NEAR: "!", State.QUIET: "✓", State.UNKNOWN: "?"}
PLAIN = {State.ALARM: "x", State.MOVED: "~", State.NEAR: "!", State.QUIET: "ok", State.UNKNOWN: "?"}
STYLES = {State.ALARM: "red", State.MOVED: "yellow", State.NEAR: "yellow", State.QUIET: "green", State.UNKNOWN: "dim"}
IN_ASCII = str.maketrans(
    {"×": "x", "−": "-", "–": "-", "→": "->", "≥": ">=", "≤": "<=", "±": "+-", "·": "*", "…": "..."}
)
WIDEST = 100  # columns of the terminal that are used
SPARK = 20
NAME = 28  # letters of a name
SHARES = ("availability", "error_rate")
NAMED = 6  # things listed in one line


def glance(console: Console, overview: Overview, *, everything: bool = False) -> None:
    """Print an overview; `everything` shows each column, also the quiet ones."""
    page = _Page(console, overview)
    page.head()
    page.objectives()
    page.columns(everything)
    page.segments()
    page.rest(everything)


class _Page:
    """What is printed, part by part."""

    def __init__(self, console: Console, overview: Overview) -> None:
        self.console, self.overview = console, overview
        self.plain = console.options.ascii_only
        self.width = min(console.width, WIDEST)

    def mark(self, state: State) -> Text:
        return Text((PLAIN if self.plain else MARKS)[state], STYLES[state])

    def head(self) -> None:
        o, dash = self.overview, "-" if self.plain else "–"
        whole = (o.until - o.since).days
        days = f"{whole} d" if whole else span((o.until - o.since).total_seconds())
        line = Text.assemble((o.model, "bold"), f"  {o.version}  {o.since:%Y-%m-%d} {dash} {o.until:%Y-%m-%d} ({days})")
        self.console.print(line.append(f"  {o.rows:,} answers"), width=self.width)
        for said in o.said:
            self.listed(self.mark(said.state), said.text, "bold" if said is o.said[0] else "")

    def listed(self, mark: Text, text: str, style: str = "") -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(mark, Text(self.fit(text), style))
        self.console.print(grid, width=self.width)

    def fit(self, text: str) -> str:
        text = visible(text)
        return text.translate(IN_ASCII).encode("ascii", "replace").decode() if self.plain else text

    def table(self, heads: Sequence[str], rows: Iterator[Sequence[Text | str]], right: Sequence[int]) -> None:
        made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for at, head in enumerate(heads):
            narrow = at == len(heads) - 1
            made.add_column(head, justify="right" if at in right else "left", overflow="fold", no_wrap=not narrow)
        for row in rows:
            made.add_row(*(cell if isinstance(cell, Text) else Text(self.fit(cell)) for cell in row))
        if made.row_count:
            self.console.print(Padding(made, (1, 0, 0, 0)), width=self.width)

    def objectives(self) -> None:
        heads = ("", "objective", "now", "set point", "rows", "")
        self.table(heads, (self.objective(v) for v in self.overview.objectives), (2, 3, 4))

    def objective(self, v: ObjectiveView) -> Sequence[Text | str]:
        write = share if v.metric in SHARES else number
        side = (">=" if v.higher_is_better else "<=") if self.plain else ("≥" if v.higher_is_better else "≤")
        drawn = self.spark(v.realised.values if v.realised else ())
        if v.value is None:
            known = v.estimate.value if v.estimate and v.estimate.proven else None
            drawn = v.why if known is None else f"{v.why}; estimated {write(known)}"
        return self.mark(v.state), v.name, write(v.value), f"{side} {write(v.target)}", f"{v.rows:,}", drawn

    def spark(self, values: Sequence[float | None]) -> str:
        return spark(tuple(values), SPARK, ascii_only=self.plain)

    def columns(self, everything: bool) -> None:
        shown = [c for c in self.overview.columns if everything or c.state not in (State.QUIET, State.UNKNOWN)]
        self.table(("", "column", "kind", "reference", "now", ""), (self.column(c) for c in shown), (3, 4))

    def column(self, c: ColumnView) -> Sequence[Text | str]:
        before, now = _figures(c)
        drawn = self.spark(c.history.values if c.history else ())
        return self.mark(c.state), cut(c.name, NAME), c.kind.replace("_", " "), before, now, drawn

    def segments(self) -> None:
        worst = [s for s in self.overview.segments if s.state not in (State.QUIET, State.UNKNOWN)][:NAMED]
        rows = (
            (self.mark(s.state), cut(s.name, NAME), "" if s.rows is None else f"{s.rows:,}", s.words) for s in worst
        )
        self.table(("", "segment", "rows", ""), rows, (2,))

    def rest(self, everything: bool) -> None:
        o = self.overview
        well = [v.name for v in o.objectives if v.state is State.QUIET] + ([] if everything else list(o.quiet))
        lines = [(State.QUIET, "Checked and quiet: ", well)] if well else []
        if lines or o.unchecked:
            self.console.print()
        for state, title, names in lines:
            self.listed(self.mark(state), title + _listed(names))
        for missing in o.unchecked:
            self.listed(self.mark(State.UNKNOWN), f"Not checked: {missing.what}: {missing.why}", "dim")


def _figures(c: ColumnView) -> tuple[str, str]:
    """Return what a column was and is: its nulls where they changed, the share of a level, or its mean."""
    if c.kind == "nulls":
        return f"{share(c.nulls_reference)} null", f"{share(c.nulls)} null"
    if c.counted in ("categorical", "datetime") or c.mean is None:
        return "", ""
    return number(c.mean_reference), number(c.mean)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED + 1 else ""
    return ", ".join(names[:NAMED] if more else names) + more
