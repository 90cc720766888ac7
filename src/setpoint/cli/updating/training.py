"""update now: train a candidate, whatever the objectives say."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import ME, By, Json, console, plain, print_json, steps
from setpoint.config import Settings
from setpoint.domain.update import Method
from setpoint.loop.verbs import retraining

Model = Annotated[str, typer.Argument(help="Name of the deployment.")]
How = Annotated[Method | None, typer.Option(help="How the new version is made; default: as the file says.")]


def now(
    model: Model,
    method: How = None,
    by: By = ME,
    json: Json = False,
) -> None:
    """Retrain now from the log, or join a training under way, and let the gate judge the candidate."""
    operator = open_home(Settings())
    before = operator.deployments(model)[0]
    job = before.training.job if before.training else retraining.update(operator, model, by=by, method=method)
    with steps(quiet=json) as progress:
        retraining.finish(operator, model, progress)
    # the loop of `setpoint up` may have been the one that asked the gate
    said = operator.deployments(model)[0].decisions[len(before.decisions) :]
    if json:
        print_json({"job": job, "decisions": [{"action": d.action, "subject": d.subject, "why": d.why} for d in said]})
        return
    for d in said:
        console.print(f"[bold]{d.action}[/] {plain(d.subject)}: {plain(d.why)}", highlight=False)
    if any(d.action in ("training failed", "training cancelled") for d in said):
        raise typer.Exit(1)


def cancel(model: Model, by: By = ME, json: Json = False) -> None:
    """Stop the training that is under way, in whichever process it runs; the champion goes on serving."""
    job = retraining.cancel(open_home(Settings()), model, by=by)
    if json:
        print_json({"job": job, "cancelled_by": by})
        return
    console.print(f"[bold]{job}[/] is being stopped; the next look of the loop writes it down", highlight=False)
