"""envelope show."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, print_json, table
from setpoint.config import Settings
from setpoint.loop.verbs.inside_words import bounds_of, envelope_view


def show(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    json: Json = False,
) -> None:
    """Show which changes are automatic, and within which bounds. `setpoint envelope` is the same."""
    found = open_home(Settings()).deployments(model)
    if json:
        print_json({"envelopes": [envelope_view(d) for d in found]})
        return
    for deployment in found:
        since = f"since {deployment.envelopes[-1].at:%Y-%m-%d %H:%M}, " if deployment.envelopes else ""
        by = f"by {deployment.envelopes[-1].by}" if deployment.envelopes else "as in setpoint.yaml"
        columns = ("change", "without a person", "within")
        console.print(table(f"{deployment.model}: {since}{by}", columns, bounds_of(deployment.envelope)))
