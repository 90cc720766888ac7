"""rollout start, pause, resume, abort and approve."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.rollouts.steps import AnyCallers, AnySegment, AnySteps, course_of
from setpoint.cli.show import ME, By, Json, console, plain, print_json
from setpoint.config import Settings
from setpoint.domain.rollout import Rollout
from setpoint.loop.verbs import rollouts
from setpoint.loop.verbs.views import standing_view

Model = Annotated[str, typer.Argument(help="Name of the deployment.")]


def start(
    model: Model,
    version: Annotated[str, typer.Argument(help="Such as v3; it must be stored: see `setpoint versions`.")],
    steps: AnySteps = None,
    least: Annotated[str | None, typer.Option(help="How long a step lasts at least, such as 2h.")] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="How many requests a step has at least.")] = None,
    segment: AnySegment = None,
    caller: AnyCallers = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also where it cannot end in time at this traffic.")] = False,
    by: By = ME,
    json: Json = False,
) -> None:
    """Have traffic move to a version by steps, as the evidence allows; by default those of setpoint.yaml."""
    operator = open_home(Settings())
    course = course_of(operator, model, steps, least, requests, segment, caller)
    _say(model, rollouts.start(operator, model, version, by=by, course=course, anyway=anyway), "begins", json)


def pause(model: Model, by: By = ME, json: Json = False) -> None:
    """Keep a rollout where it is. The evidence may still send it back."""
    _say(model, rollouts.pause(open_home(Settings()), model, by=by), "is paused", json)


def resume(model: Model, by: By = ME, json: Json = False) -> None:
    """Let a paused rollout go on."""
    _say(model, rollouts.resume(open_home(Settings()), model, by=by), "goes on", json)


def abort(model: Model, by: By = ME, json: Json = False) -> None:
    """End a rollout, wherever it is: the champion answers alone again."""
    _say(model, rollouts.abort(open_home(Settings()), model, by=by), "is ended, the champion answers alone", json)


def approve(
    model: Model,
    now: Annotated[bool, typer.Option("--now", help="Promote it now, without the steps that are left.")] = False,
    by: By = ME,
) -> None:
    """Let a rollout do what it waits for a person for. Nothing is promoted against the evidence."""
    operator = open_home(Settings())
    asked = operator.clock.now()
    said = [d for d in rollouts.approve(operator, model, by=by, fast=now).decisions if d.at >= asked]
    for d in said:
        console.print(f"[bold]{d.action}[/] {plain(d.subject)}: {plain(d.why)}", highlight=False)
    if all(d.action == "approve" for d in said):
        console.print(f"It goes on as soon as the evidence allows: `setpoint rollout status {model}`", highlight=False)


def _say(model: str, rollout: Rollout, what: str, json: bool) -> None:
    if json:
        print_json({"model": model, "rollout": standing_view(rollout)})
        return
    at = f" ({rollouts.where(rollout)})" if rollout.running else ""
    console.print(
        f"The rollout of [bold]{model} {rollout.candidate.version}[/] {what}{at}. "
        f"`setpoint rollout status {model}` shows how it goes",
        highlight=False,
    )
