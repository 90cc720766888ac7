"""envelope check."""

from datetime import datetime
from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json
from setpoint.config import Settings
from setpoint.domain.value import utc
from setpoint.loop.verbs.inside import Inside, Step
from setpoint.loop.verbs.inside_words import inside_view, summary

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]


def check(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="Judge what was done since then, UTC.")] = None,
    json: Json = False,
) -> None:
    """Prove that what was done stayed inside, or name what did not. Exit code 1 if anything did not."""
    operator = open_home(Settings())
    names = [d.model for d in operator.deployments(model)]
    found = [operator.inside(name, since=utc(since) if since else None) for name in names]
    if json:
        print_json({"checks": [inside_view(each) for each in found]})
    else:
        for each in found:
            _print(each)
    if not all(each.holds for each in found):
        raise typer.Exit(1)


def _print(found: Inside) -> None:
    colour = "green" if found.holds else "red"
    console.print(f"[bold]{plain(found.model)}[/] [{colour}]{plain(summary(found))}[/]", highlight=False)
    parts = (
        ("outside the envelope", found.outside),
        ("explained by no decision", found.loose),
        ("evidence not written down", found.unproven),
        ("by people", found.people),
    )
    for head, steps in parts:
        if steps:
            console.print(f"  {head}:", highlight=False)
        for step in steps:
            console.print(f"    {plain(_line(step))}", highlight=False)


def _line(step: Step) -> str:
    said = f": {'; '.join(step.said)}" if step.said else ""
    return f"{step.at:%Y-%m-%d %H:%M} {step.kind} {step.subject} by {step.by}{said}"
