"""update when: the answer to "should I retrain now?", with its reasons."""

from typing import Annotated

import msgspec
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, plain, print_json
from setpoint.config import Settings
from setpoint.loop.verbs import retraining


def when(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    json: Json = False,
) -> None:
    """Say whether MODEL should be retrained now, or what else is best done. Changes nothing."""
    found = retraining.advice(open_home(Settings()), model)
    if json:
        print_json({"model": model, **msgspec.to_builtins(found)})
        return
    console.print(f"[bold]{found.move}[/]: {plain(found.why)}", highlight=False)
    if found.rows:
        console.print(f"Worth asking again after {found.rows:,} more labelled rows", highlight=False)
    if found.expected is not None:
        mean, low, high = map(number, (found.expected.mean, found.expected.low, found.expected.high))
        console.print(f"A training is expected to win {mean} ({low} to {high}) a row", highlight=False)
