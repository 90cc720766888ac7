"""outcomes, repair and rollout."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.gate import gate_table
from setpoint.cli.show import ME, By, Json, console, number, plain, print_json, table
from setpoint.config import Settings, fraction
from setpoint.domain.live import written
from setpoint.errors import InvalidInput
from setpoint.loop.frames import outcomes_of, read_table
from setpoint.loop.views import rollout_view, status_view

Model = Annotated[str, typer.Argument(help="Name of the deployment.")]
repair = typer.Typer(help="Approve what waits for a person.", no_args_is_help=True, add_completion=False)


def outcomes(
    model: Model,
    file: Annotated[Path, typer.Argument(help="Table with the id, the label and, if there is one, `known`.")],
    json: Json = False,
) -> None:
    """Record what turned out to be true. Exit code 1 if some ids have no prediction."""
    operator = open_home(Settings())
    found = outcomes_of(read_table(file), operator.schema(model), operator.clock.now())
    receipt = operator.outcomes(model, found)
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
    by: By = ME,
) -> None:
    """Allow what waits for a person, and act on it."""
    operator = open_home(Settings())
    asked = operator.clock.now()
    said = [d for d in operator.approve(id_, model=model, by=by).decisions if d.at >= asked]
    if not said:
        console.print(f"{id_} is approved; it is done as soon as the evidence allows")
    for d in said:
        console.print(f"[bold]{d.action}[/] {plain(d.subject)}: {plain(d.why)}", highlight=False)


def rollout(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    share: Annotated[
        list[str] | None, typer.Option(help="VERSION=SHARE, such as v2=10%; 0 takes it away. May be repeated.")
    ] = None,
    by: By = ME,
    json: Json = False,
) -> None:
    """Show candidates and how each ended, or give challengers a share of the requests."""
    if share:
        _share(model, share, by, json)
        return
    found = [r for d in open_home(Settings()).deployments(model) for r in d.rollouts]
    if json:
        print_json({"rollouts": [rollout_view(r) for r in found]})
        return
    rows = []
    for r in found:
        gate, shadow = r.candidate.gate, r.shadow
        rows.append(
            (
                r.candidate.version,
                r.phase,
                "; ".join(gate.checks) if gate else "",
                "; ".join(shadow.checks) if shadow else "",
                number(r.realised_gain),
            )
        )
    columns = ("candidate", "phase", "gate", "shadow", "realised gain")
    console.print(table("", columns, rows, right=("realised gain",)) if rows else "No candidates yet")
    for r in [r for r in found if r.candidate.gate and r.candidate.gate.judged][-1:]:
        assert r.candidate.gate is not None
        console.print()
        console.print(gate_table(r, r.candidate.gate))


def _share(model: str | None, given: list[str], by: str, json: bool) -> None:
    if model is None:
        raise InvalidInput(f"--share needs the model: `setpoint rollout MODEL --share {given[0]}`")
    parts = [text.partition("=") for text in given]
    for text, (version, equals, _) in zip(given, parts, strict=True):
        if not version or not equals:
            raise InvalidInput(f"--share {text}: expected VERSION=SHARE, such as v2=10%")
    shares = {version: fraction(share) for version, _, share in parts}
    view = status_view([open_home(Settings()).rollout(model, shares, by=by)])["deployments"][0]
    if json:
        print_json({"model": model, "shares": view["shares"]})
        return
    console.print(f"[bold]{model}[/] is answered by {written(view['shares'])}", highlight=False)
