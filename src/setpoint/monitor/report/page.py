"""An overview as one HTML page that needs nothing else: no script, no font, no network."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from setpoint.monitor.overview.values import Overview, State, Trace
from setpoint.monitor.overview.words import of_incident
from setpoint.monitor.report import charts, writing

MOST_CARDS = 60  # columns with pictures; the others are in a table
PART_CARDS = 6  # of these in a notebook
MOST_ROWS = 1_000  # of the table of the others
MARKS = {State.ALARM: "✕", State.MOVED: "◆", State.NEAR: "▲", State.QUIET: "✓", State.UNKNOWN: "?"}
WORDS = {
    State.ALARM: "alarm",
    State.MOVED: "slow change",
    State.NEAR: "note",
    State.QUIET: "quiet",
    State.UNKNOWN: "not checked",
}


def overview_page(overview: Overview) -> str:
    """Return the whole page."""
    return environment().get_template("overview.html.j2").render(**_context(overview, MOST_CARDS))


def overview_part(overview: Overview) -> str:
    """Return what a notebook shows: the same, with fewer pictures."""
    return environment().get_template("overview_part.html.j2").render(**_context(overview, PART_CARDS))


def _context(overview: Overview, most: int) -> dict[str, Any]:
    stretch = "hour" if overview.every_s < 86_400 else "day" if overview.every_s < 604_800 else "week"
    carded, rest = overview.columns[:most], overview.columns[most:]
    return {
        "o": overview,
        "cards": carded,
        "rest": rest[:MOST_ROWS],
        "left": max(len(rest) - MOST_ROWS, 0),
        "title": _title(overview),
        "service": list(_service(overview, stretch)),
        "stretch": stretch,
    }


def _service(overview: Overview, stretch: str) -> Iterator[tuple[str, list[Trace], str]]:
    """Yield a heading, what to draw, and what stands below."""
    traces = {t.name: t for t in overview.service if t.known}
    if "requests" in traces:
        yield "Requests", [traces["requests"]], f"by {stretch}"
    if "failed" in traces:
        some = any(traces["failed"].known)
        note = f"share of the requests, by {stretch}, through no fault of their callers"
        yield "Failed requests", [traces["failed"]] if some else [], note if some else "None in this period."
    if "latency_p99_ms" in traces:
        lines = [traces["latency_p50_ms"], traces["latency_p99_ms"]]
        yield "Latency (ms)", lines, f"by {stretch}; dotted the median, the line is the 99th percentile"


def _title(overview: Overview) -> str:
    first = overview.said[0].text if overview.said else ""
    return f"{overview.model}: {first}"


@cache
def environment() -> Environment:
    """Return the templates, with what they write numbers and draw pictures by; everything is escaped."""
    pages = Environment(
        loader=PackageLoader("setpoint.monitor.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "number": writing.number, "share": writing.share, "clock": writing.clock, "day": writing.day,
        "span": writing.span, "incident": of_incident,
    }  # fmt: skip
    pages.globals |= {
        "marks": MARKS, "words": WORDS, "objective_chart": charts.objective_chart,
        "service_chart": charts.service_chart, "column_chart": charts.column_chart, "histogram": charts.histogram,
        "levels": charts.levels, "number": writing.number, "share": writing.share,
    }  # fmt: skip
    return pages
