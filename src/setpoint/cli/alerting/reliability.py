"""reliability: how fast faults are found, located and mended, and how long the set point is held."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json, table
from setpoint.config import Settings
from setpoint.domain.reliability import Reliability, Spread
from setpoint.loop.verbs.views import reliability_view
from setpoint.monitor.report.writing import share, span


def reliability(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    days: Annotated[
        float | None, typer.Option(min=0.01, max=3_660, help="Days up to the last look. [default: 90]")
    ] = None,
    json: Json = False,
) -> None:
    """Show how fast faults are found, located and mended, and how long the set point is held."""
    found = open_home(Settings()).reliability(model, days=days)
    if json:
        print_json({"reliability": [reliability_view(r) for r in found]})
        return
    if not found:
        console.print("Nothing is deployed yet")
    for r in found:
        _show(r)


def _show(r: Reliability) -> None:
    console.print(f"[bold]{plain(r.model)}[/]  {r.since:%Y-%m-%d} to {r.until:%Y-%m-%d}", highlight=False)
    for h in r.held:
        console.print(f"  {plain(h.objective)}: at set point {share(h.share)} of {span(h.known_s)}", highlight=False)
    if not r.held:
        console.print("  For how long the set point was held is not known yet", highlight=False)
    console.print(f"  {r.actions} actions without a person, {_false(r)}", highlight=False)
    if not r.times[0].incidents:
        console.print("  No incident was opened", highlight=False)
        return
    rows = [(t.cause, str(t.incidents), _words(t.detect), _words(t.locate), _words(t.recover)) for t in r.times]
    columns = ("after the change, median (worst)", "incidents", "found", "located", "well again")
    console.print(table("", columns, rows, right=columns[1:]))
    if r.unlocated or r.unsolved:
        console.print(f"  {r.unlocated} without a known cause, {r.unsolved} not well again", highlight=False)


def _false(r: Reliability) -> str:
    """Say how many actions were false, and whether that is more than the envelope allows."""
    allowed = f"{r.false_allowed:.2g} that the envelope allows in such a period"
    if r.false_actions > r.false_allowed:
        return f"[red]{r.false_actions} of them false: over the {allowed}[/]"
    return f"{r.false_actions} of them false, within the {allowed}"


def _words(spread: Spread) -> str:
    if spread.median_s is None or spread.worst_s is None:
        return "–"
    worst = f" ({span(spread.worst_s)})" if spread.count > 1 else ""
    return f"{span(spread.median_s)}{worst}"
