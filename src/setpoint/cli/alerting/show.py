"""incidents: what was seen, the likeliest causes, what was done."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json
from setpoint.config import Settings
from setpoint.domain.owner import responsible_for
from setpoint.loop.verbs.views import incident_view


def show(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    json: Json = False,
) -> None:
    """Show incidents: what was seen, the likeliest causes, what was done."""
    deployments = open_home(Settings()).deployments(model)
    found = [(i, d.owners) for d in deployments for i in d.incidents if all_ or json or i.live]
    if json:
        print_json({"incidents": [incident_view(i, owners) for i, owners in found]})
        return
    if not found:
        console.print("No open incidents" if not all_ else "No incidents")
    for i, owners in found:
        who = responsible_for(i, owners).name
        whose = f", {plain(who)} sees to it" if who else ""
        taken = f", taken over by {plain(i.handled_by)}" if i.handled_by else ""
        known = f", known to {plain(i.acknowledged_by)}" if i.acknowledged_by and not taken else ""
        console.print(
            f"[bold]{i.id}[/]  {i.status}{whose}{taken}{known}  since {i.began_by:%Y-%m-%d %H:%M}", highlight=False
        )
        for cause in i.causes[:3]:
            evidence = plain("; ".join(cause.evidence))
            console.print(
                f"  {cause.weight:.2f}  {cause.cause} of {plain(cause.subject)}"
                + (f": {evidence}" if evidence else ""),
                highlight=False,
            )
        for event in i.timeline:
            console.print(f"  {plain(event.line)}", highlight=False, style="dim")
