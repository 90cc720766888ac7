"""Two tables compared, as one HTML page made of the same parts as an overview."""

from setpoint.monitor.overview.values import ColumnView, State
from setpoint.monitor.report.page import MOST_CARDS, MOST_ROWS, environment
from setpoint.monitor.tables.values import ColumnComparison, Comparison

WORDS = {State.ALARM: "changed", State.QUIET: "the same", State.UNKNOWN: "no verdict"}


def comparison_page(comparison: Comparison) -> str:
    """Return the whole page."""
    views = [_view(column, comparison.current_rows) for column in comparison.columns]
    cards, rest = views[:MOST_CARDS], views[MOST_CARDS:]
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            c=comparison, cards=cards, rest=rest[:MOST_ROWS], left=max(len(rest) - MOST_ROWS, 0), words=WORDS, o=None,
            stretch="",
        )
    )  # fmt: skip


def _view(column: ColumnComparison, rows: int) -> ColumnView:
    state = State.ALARM if column.changed else State.UNKNOWN if column.detail else State.QUIET
    return ColumnView(
        name=column.column,
        counted=column.counted,
        answer=False,
        state=state,
        importance=column.weight,
        rows=rows,
        kind=column.kind,
        words=column.detail,
        nulls=column.nulls_current,
        nulls_reference=column.nulls_reference,
        mean=column.mean_current,
        mean_reference=column.mean_reference,
        std=column.std_current,
        std_reference=column.std_reference,
        bars=column.bars,
    )
