"""compare: two versions on what they answered."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json
from setpoint.config import Settings
from setpoint.domain.value import utc
from setpoint.loop.verbs.comparing_words import by_segment, compared_view, notes, sentence


class Metric(StrEnum):
    """What is compared."""

    QUALITY = "quality"
    VALUE = "value"


def compare(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    a: Annotated[str, typer.Argument(metavar="A", help="A version.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    metric: Annotated[Metric, typer.Option(help="Loss of the answers, or what decisions bring.")] = Metric.QUALITY,
    since: Annotated[datetime | None, typer.Option(help="Event time from (UTC); default: all.")] = None,
    json: Json = False,
) -> None:
    """Say which of two versions is better on what both answered, by how much, and how sure that is."""
    found = open_home(Settings()).compare(model, a, b, metric=metric.value, since=utc(since) if since else None)
    if json:
        print_json(compared_view(found))
        return
    console.print(f"[bold]{plain(sentence(found))}[/]", highlight=False)
    for line in by_segment(found):
        console.print(f"  {plain(line)}", highlight=False)
    for line in notes(found):
        console.print(f"[dim]{plain(line)}[/]", highlight=False)
