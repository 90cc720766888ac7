"""status, monitor and incidents: commands that only read."""

from pathlib import Path
from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, print_json, table
from setpoint.config import Settings
from setpoint.domain.live import written
from setpoint.errors import InvalidInput
from setpoint.loop.frames import read_table
from setpoint.loop.views import finding_view, incident_view, status_view
from setpoint.monitor.compare import compare

Model = Annotated[str, typer.Argument(help="Name of the deployment.")]
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
            (o["metric"], number(o["target"]), number(o["value"]), str(o["rows"]), STAND[o["at_set_point"]])
            for o in d["objectives"]
        ]
        columns = ("objective", "set point", "now", "rows", "")
        console.print(table("", columns, rows, right=("set point", "now", "rows")))
        looked = f"Last look {d['looked'][:19]} UTC" if d["looked"] else "No look yet; the loop of `setpoint up` looks"
        console.print(f"[dim]{looked}[/]", highlight=False)


def monitor(
    model: Annotated[str, typer.Argument(metavar="MODEL|compare", help="Name of the deployment, or `compare`.")],
    reference: Annotated[Path | None, typer.Argument(help="With compare: a table.")] = None,
    current: Annotated[Path | None, typer.Argument(help="With compare: the table to compare with it.")] = None,
    json: Json = False,
) -> None:
    """Show the findings of a look at MODEL now, or compare two tables column by column."""
    if model == "compare":
        if reference is None or current is None:
            raise InvalidInput("write `setpoint monitor compare REFERENCE CURRENT`, two .parquet or .csv files")
        _compare(reference, current, json)
        return
    _, look = open_home(Settings()).look(model)
    if json:
        print_json({"findings": [finding_view(f) for f in look.findings]})
        return
    if not look.findings:
        console.print(f"Nothing to say yet: {len(look.recent):,} records since the last look")
    for monitor_name in sorted({f.monitor for f in look.findings}):
        rows = [
            (
                "[red]alarm[/]" if f.alarm else "",
                f.metric,
                f.column or f.segment or "",
                number(f.value),
                number(f.limit),
                str(f.rows),
                f.detail,
            )
            for f in sorted(look.findings, key=lambda f: not f.alarm)
            if f.monitor == monitor_name
        ]
        columns = ("", "metric", "column", "value", "limit", "rows", "")
        console.print(table(monitor_name, columns, rows, right=("value", "limit", "rows")))


def _compare(reference: Path, current: Path, json: bool) -> None:
    found = compare(read_table(reference), read_table(current))
    if json:
        print_json(found)
        return
    rows = [
        (c["column"], "[red]changed[/]" if c["changed"] else "", c["kind"], number(c["effect"]), c["detail"])
        for c in sorted(found["columns"], key=lambda c: not c["changed"])
    ]
    console.print(table("", ("column", "", "kind", "effect", ""), rows, right=("effect",)))


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
