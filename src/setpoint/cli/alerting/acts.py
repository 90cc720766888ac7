"""incidents ack, silence, silences, lift and test-alert."""

from datetime import timedelta
from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import ME, By, Json, console, plain, print_json, table
from setpoint.config import Settings, seconds
from setpoint.errors import InvalidInput
from setpoint.loop.verbs import alerting
from setpoint.loop.verbs.views import silence_view, silences_in_force

Model = Annotated[str, typer.Argument(help="Name of the deployment.")]
AnyModel = Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")]


def ack(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An incident's id.")],
    by: By = ME,
) -> None:
    """Say that you know of an incident: nobody is reminded of it any more. What changes is still told."""
    operator = open_home(Settings())
    deployment = alerting.acknowledge(operator.ports, id_, operator.clock.now(), by=by)
    incident = next(i for i in deployment.incidents if i.id == id_)
    console.print(f"[bold]{id_}[/] is acknowledged by {incident.acknowledged_by}", highlight=False)


def silence(
    model: AnyModel = None,
    column: Annotated[str | None, typer.Option(help="Incidents of this column alone; default: all.")] = None,
    for_: Annotated[str, typer.Option("--for", help="How long, such as 30m, 4h or 7d.")] = "4h",
    why: Annotated[str, typer.Option(help="The reason, for others to read.")] = "",
    by: By = ME,
    json: Json = False,
) -> None:
    """Tell nobody of the incidents of MODEL for a while. They still exist, and are still acted on."""
    operator = open_home(Settings())
    models = [model] if model else operator.ports.state.models()
    if not models:
        raise InvalidInput("nothing is deployed yet")
    made = alerting.silence(
        operator.ports,
        models,
        operator.clock.now(),
        length=timedelta(seconds=seconds(for_)),
        by=by,
        column=column,
        why=why,
    )
    if json:
        print_json({"silences": [silence_view(s) for s in made]})
        return
    for s in made:
        console.print(f"[bold]{s.id}[/] until {s.until:%Y-%m-%d %H:%M} UTC", highlight=False)


def silences(model: AnyModel = None, json: Json = False) -> None:
    """Show the silences in force."""
    operator = open_home(Settings())
    found = silences_in_force(operator.deployments(model), operator.clock.now())
    if json:
        print_json({"silences": [silence_view(s) for s in found]})
        return
    rows = [(s.id, s.column or "all", f"{s.until:%Y-%m-%d %H:%M}", s.by, s.why) for s in found]
    console.print(table("", ("id", "column", "until (UTC)", "by", "why"), rows) if rows else "No silence is in force")


def lift(
    id_: Annotated[str, typer.Argument(metavar="ID", help="A silence's id.")],
    by: By = ME,
) -> None:
    """End a silence now. What is still open is told at the next look."""
    operator = open_home(Settings())
    model = alerting.lift(operator.ports, id_, operator.clock.now(), by=by)
    console.print(f"[bold]{id_}[/] is lifted; people are told of {model} again", highlight=False)


def trial(model: Model, json: Json = False) -> None:
    """Send a test message to every channel of MODEL. Exit code 1 if there is none, or one did not take it."""
    operator = open_home(Settings())
    failures = alerting.send_test(operator.ports, model, operator.clock.now())
    if json:
        print_json({"channels": [{"channel": c, "arrived": not why, "why": why} for c, why in failures.items()]})
    else:
        for channel, why in failures.items():
            console.print(
                f"{channel}: {'[red]not taken[/]' if why else '[green]taken[/]'}", plain(why), highlight=False
            )
        if not failures:
            console.print(
                f"{model} tells nobody: name channels as `alerts: to:` in setpoint.yaml, or in SETPOINT_ALERTS"
            )
    if not failures or any(failures.values()):
        raise typer.Exit(1)
