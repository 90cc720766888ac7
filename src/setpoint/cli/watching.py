"""status: what serves, and how it stands."""

from typing import Annotated, Any

import typer
from rich.text import Text

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, plain, print_json, table
from setpoint.config import Settings
from setpoint.domain.live import written
from setpoint.loop.verbs import retraining
from setpoint.loop.verbs.views import status_view

AnyModel = Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")]
STAND = {True: "[green]holds[/]", False: "[red]off[/]", None: "no data yet"}


def status(model: AnyModel = None, json: Json = False) -> None:
    """Show what serves, and how it stands against its set point."""
    operator = open_home(Settings())
    found = operator.deployments(model)
    view = status_view(found, retraining.under_way(operator, found))
    if json:
        print_json(view)
        return
    if not view["deployments"]:
        console.print("Nothing is deployed yet: `setpoint init MODEL REFERENCE`, then `setpoint deploy`")
    for d in view["deployments"]:
        split = f"champion {written(d['shares'])}" if len(d["shares"]) > 1 else f"champion {d['champion']}"
        shadow = f", {d['shadow']} in shadow" if d["shadow"] else ""
        many = f"{d['incidents_open']} open incident{'' if d['incidents_open'] == 1 else 's'}"
        under = f", training {d['training']}{_progress(d['training_progress'])}" if d["training"] else ""
        console.print(
            f"[bold]{d['model']}[/]  {split}{shadow}{under}; {many}",
            highlight=False,
        )
        rows = [
            (
                o["name"],
                number(o["target"]),
                number(o["value"]),
                str(o["rows"]),
                _before_labels(o["estimate"]),
                o["why"] or Text.from_markup(STAND[o["at_set_point"]] + _budget(o["budget_left"])),
            )
            for o in d["objectives"]
        ]
        columns = ("objective", "set point", "now", "rows", "before labels", "")
        console.print(table("", columns, rows, right=("set point", "now", "rows", "before labels")))
        looked = f"Last look {d['looked'][:19]} UTC" if d["looked"] else "No look yet; the loop of `setpoint up` looks"
        watched = f"; watched since {d['watched_since'][:19]} UTC" if d["watched_since"] else ""
        console.print(f"[dim]{looked}{watched}[/]", highlight=False)
        if b := d["blind"]:
            failed = (
                f"{b['times']} looks failed since {b['since'][:19]} UTC" if b["times"] > 1 else "The last look failed"
            )
            console.print(f"[red]{failed}[/]: {plain(b['why'])}", highlight=False)
        if k := d["undeleted"]:
            console.print(
                f"[red]Old records cannot be deleted since {k['since'][:19]} UTC[/]: {plain(k['why'])}", highlight=False
            )
        if words := _way_back(d["way_back"]):
            console.print(words, highlight=False)
        for c in d["alerts"]["channels"]:
            if c["failing"]:
                console.print(f"[red]Alerts do not reach {plain(c['name'])}[/]: {plain(c['why'])}", highlight=False)


def _way_back(told: dict[str, Any] | None) -> str:
    """Say how the last rehearsal of going back went; nothing where there is no version to go back to."""
    if told is None or not told["version"]:
        return ""
    at = f"rehearsed {told['at'][:16].replace('T', ' ')} UTC"
    if told["why"]:
        return f"[red]No way back to {told['version']}[/] ({at}): {plain(told['why'])}"
    said = plain(told["note"]) or f"the same {told['rows']} answers"
    return f"[dim]Way back: {told['version']}, {at}: ready in {told['seconds']:.1f} s, {said}[/]"


def _progress(told: dict[str, Any] | None) -> str:
    return "" if told is None else f" ({plain(told['said'])})"


def _budget(left: float | None) -> str:
    if left is None:
        return ""
    return f", {left:.0%} of the budget left" if left >= 0 else f", budget overdrawn by {-left:.0%}"


def _before_labels(estimate: dict[str, Any] | None) -> str:
    """Return the estimate of an estimator that has proven itself; of others only that they have not."""
    if estimate is None or estimate["value"] is None:
        return ""
    return number(estimate["value"]) if estimate["proven"] else f"unproven ({estimate['windows']} windows)"
