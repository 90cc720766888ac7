"""monitor propose: what to watch a model by, and what each monitor can see."""

from pathlib import Path
from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, print_json, steps
from setpoint.config import Settings, read_setpoint_file
from setpoint.loop.verbs.frames import read_table
from setpoint.loop.verbs.proposal import propose_for_deployment, propose_for_file
from setpoint.loop.verbs.stated import objectives
from setpoint.monitor.proposal import propose as propose_for_table
from setpoint.monitor.proposed import Proposal

TABLES = (".parquet", ".pq", ".csv")


def propose(
    of: Annotated[
        str,
        typer.Argument(metavar="MODEL|PATH", help="A deployment; a setpoint.yaml or its folder; a reference table."),
    ],
    target: Annotated[str | None, typer.Option(help="With a table: column of what was true.")] = None,
    prediction: Annotated[str | None, typer.Option(help="With a table: column of the answers of a model.")] = None,
    time: Annotated[str | None, typer.Option(help="With a table: column of times; default: the first.")] = None,
    json: Json = False,
) -> None:
    """Say what to watch a model by: metrics, limits, windows, and what change each sees from how many records."""
    with steps(quiet=json) as progress:
        progress("learning from the reference")
        found = _proposal(of, target, prediction, time)
    show_proposal(found, json)


def propose_deployed(model: str, *, json: bool) -> None:
    """Print what the monitors of a deployment can see."""
    show_proposal(_proposal(model, None, None, None), json)


def show_proposal(found: Proposal, json: bool) -> None:
    """Print a proposal."""
    if json:
        print_json(found.to_dict())
    else:
        console.print(str(found), markup=False, highlight=False, soft_wrap=True)


def _proposal(of: str, target: str | None, prediction: str | None, time: str | None) -> Proposal:
    if of.lower().endswith(TABLES):
        return propose_for_table(read_table(Path(of)), target=target, prediction=prediction, time=time)
    if of.endswith((".yaml", ".yml")) or Path(of).is_dir():
        file = read_setpoint_file(Path(of))
        return propose_for_file(file, objectives(file), Settings().job_memory)
    operator = open_home(Settings())
    (deployment,) = operator.deployments(of)
    return propose_for_deployment(operator.ports, deployment, operator.clock.now())
