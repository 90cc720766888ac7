"""update set: all that an update could learn from, or what a version learnt from."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json, table
from setpoint.config import Settings
from setpoint.domain.sensitive import sealed
from setpoint.domain.training_set import Step
from setpoint.errors import InvalidInput
from setpoint.loop.learning.sets import export_set
from setpoint.loop.verbs import retraining
from setpoint.update.sets.made import TrainingSet

SHOWN = 5  # of what is likely wrong


def show(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    version: Annotated[str | None, typer.Option(help="Of this version; default: of an update now.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write it here as Parquet, and beside it how it was made.")] = None,
    decrypt: Annotated[bool, typer.Option("--decrypt", help="Write encrypted values in clear.")] = False,
    json: Json = False,
) -> None:
    """Show how the training set of an update is made, step by step, and export it.

    It is the one of a version that passed the gate; its candidate learns what comes before the rows it is judged on.
    """
    operator = open_home(Settings())
    closed = sealed(operator.schema(model))
    if out is not None and closed and not decrypt:
        raise InvalidInput(f"the set holds {', '.join(closed)} in clear, which is recorded encrypted: add --decrypt")
    made = retraining.training_set(operator, model, version=version)
    files = [] if out is None else export_set(made, out)
    if json:
        print_json({**msgspec.to_builtins(made.recipe), "files": [str(file) for file in files]})
        return
    steps = [(s.name, f"{s.rows_in:,}", f"{s.rows_out:,}", _counts(s)) for s in made.recipe.steps]
    console.print(table("", ("step", "rows before", "after", "what it did"), steps, right=("rows before", "after")))
    console.print(f"{made.recipe.rows:,} rows, digest {made.recipe.digest[:12]}", highlight=False)
    _doubtful(made)
    for file in files:
        console.print(f"wrote {plain(str(file))}", highlight=False)


def _counts(step: Step) -> str:
    counts = (f"{name.replace('_', ' ')} {_number(count)}" for name, count in step.counts.items())
    return plain("; ".join([step.said] * bool(step.said) + [*counts]))


def _number(count: float) -> str:
    return f"{count:,.0f}" if count == round(count) else f"{count:.3g}"


def _doubtful(made: TrainingSet) -> None:
    """Name the outcomes that are most likely wrong."""
    if made.issues is None or not made.issues.num_rows:
        return
    console.print(f"{made.issues.num_rows:,} outcomes are likely wrong, the most doubtful first:", highlight=False)
    for found in made.issues.slice(0, SHOWN).to_pylist():
        who = found["id"] or f"row {found['row']} of the reference of {found['source']}"
        console.print(plain(f"  {who}: {found['given']}, likely {found['likely']}"), highlight=False)
