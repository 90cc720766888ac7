"""status and incidents: commands that only read."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, print_json, table
from setpoint.config import Settings
from setpoint.domain.live import written
from setpoint.loop.views import incident_view, status_view

AnyModel = Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")]
STAND = {True: "[green]holds[/]", False: "[red]off[/]", None: "no data yet"}


def status(model: AnyModel = None, json: Json = False) -> None:
    """Show what serves, and how it stands against its set point."""
    view = status_view(open_home(Settings()).deployments(model))
    if json:
        print_json(view)
        return
    if not view["deployments"]:
        console.print("Nothing is deployed yet: `setpoint init MODEL REFERENCE`, then `setpoint deploy`")
    for d in view["deployments"]:
        split = f"champion {written(d['shares'])}" if len(d["shares"]) > 1 else f"champion {d['champion']}"
        shadow = f", {d['shadow']} in shadow" if d["shadow"] else ""
        under = f", training {d['training']}" if d["training"] else ""
        console.print(
            f"[bold]{d['model']}[/]  {split}{shadow}{under}; {d['incidents_open']} open incidents",
            highlight=False,
        )
        rows = [
            (o["name"], number(o["target"]), number(o["value"]), str(o["rows"]), o["why"] or STAND[o["at_set_point"]])
            for o in d["objectives"]
        ]
        columns = ("objective", "set point", "now", "rows", "")
        console.print(table("", columns, rows, right=("set point", "now", "rows")))
        looked = f"Last look {d['looked'][:19]} UTC" if d["looked"] else "No look yet; the loop of `setpoint up` looks"
        console.print(f"[dim]{looked}[/]", highlight=False)


def incidents(
    model: AnyModel = None,
    all_: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    json: Json = False,
) -> None:
    """Show incidents: what was seen, the likeliest causes, what was done."""
    found = [i for d in open_home(Settings()).deployments(model) for i in d.incidents if all_ or json or i.live]
    if json:
        print_json({"incidents": [incident_view(i) for i in found]})
        return
    if not found:
        console.print("No open incidents" if not all_ else "No incidents")
    for i in found:
        console.print(f"[bold]{i.id}[/]  {i.status}  since {i.since:%Y-%m-%d %H:%M}", highlight=False)
        for cause in i.causes[:3]:
            evidence = "; ".join(cause.evidence)
            console.print(f"  {cause.weight:.2f}  {cause.cause} of {cause.subject}: {evidence}", highlight=False)
        for line in i.timeline:
            console.print(f"  {line}", highlight=False, style="dim")
