"""outcomes and repair."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import ME, By, Json, console, plain, print_json
from setpoint.config import Settings
from setpoint.domain.fleet import Deployment
from setpoint.loop.taking import take_back
from setpoint.loop.verbs import personal, recorded
from setpoint.loop.verbs.frames import outcomes_of, read_table

Model = Annotated[str, typer.Argument(help="Name of the deployment.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="An incident's id.")]
Why = Annotated[str, typer.Option(help="The reason, for others to read.")]
repair = typer.Typer(
    help="Approve, refuse or take over what waits for a person, or take a repair back.",
    no_args_is_help=True,
    add_completion=False,
)


def outcomes(
    model: Model,
    file: Annotated[Path, typer.Argument(help="Table with the id, the label and, if there is one, `known`.")],
    json: Json = False,
) -> None:
    """Record what turned out to be true. Exit code 1 if some ids have no prediction."""
    operator = open_home(Settings())
    found = outcomes_of(read_table(file), operator.schema(model), operator.clock.now())
    receipt = recorded.outcomes(operator, model, found)
    if json:
        print_json(msgspec.to_builtins(receipt))
    else:
        console.print(
            f"{receipt.received:,} received: {receipt.recorded:,} recorded, {receipt.repeated:,} known already, "
            f"{receipt.corrected:,} corrected",
            highlight=False,
        )
        if receipt.unknown:
            examples = plain(", ".join(receipt.unknown_examples))
            console.print(
                f"[red]{receipt.unknown:,} ids have no prediction in the log[/] ({examples}); they are kept, and join "
                f"if it still arrives. `setpoint records {model}` shows the ids there are",
                highlight=False,
            )
    if receipt.unknown:
        raise typer.Exit(1)


@repair.command()
def approve(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or a candidate's version.")],
    model: Annotated[str | None, typer.Option(help="Name of the deployment, where a version is approved.")] = None,
    why: Why = "",
    by: By = ME,
) -> None:
    """Allow what waits for a person, and act on it."""
    operator = open_home(Settings())
    asked = operator.clock.now()
    said = [d for d in operator.approve(id_, model=model, by=by, why=why).decisions if d.at >= asked]
    if not said:
        console.print(f"{id_} is approved; it is done as soon as the evidence allows")
    for d in said:
        console.print(f"[bold]{d.action}[/] {plain(d.subject)}: {plain(d.why)}", highlight=False)


@repair.command()
def refuse(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or a candidate's version.")],
    why: Why = "",
    model: Annotated[str | None, typer.Option(help="Name of the deployment, where a version is refused.")] = None,
    by: By = ME,
) -> None:
    """Refuse the remedy that an incident proposes, or end a candidate; it is not done until somebody approves it."""
    operator = open_home(Settings())
    _say(personal.refuse(operator.ports, id_, operator.clock.now(), by=by, why=why, model=model))


@repair.command()
def take(id_: Id, why: Why = "", by: By = ME) -> None:
    """Take an incident over: the loop watches it, and does nothing about it. A repair in place stays."""
    operator = open_home(Settings())
    _say(personal.take(operator.ports, id_, operator.clock.now(), by=by, why=why))


@repair.command()
def give_back(id_: Id, why: Why = "", by: By = ME) -> None:
    """Give an incident back to the loop."""
    operator = open_home(Settings())
    _say(personal.give_back(operator.ports, id_, operator.clock.now(), by=by, why=why))


@repair.command()
def undo(id_: Id, why: Why = "", by: By = ME) -> None:
    """Take a repair at the door back; its incident is yours from then on."""
    operator = open_home(Settings())
    _say(take_back(operator.ports, id_, operator.clock.now(), by=by, why=why))


def _say(deployment: Deployment) -> None:
    done = deployment.decisions[-1]
    console.print(f"[bold]{done.action}[/] {plain(done.subject)}: {plain(done.why)}", highlight=False)
