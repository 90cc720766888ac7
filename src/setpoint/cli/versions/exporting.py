"""versions export."""

from pathlib import Path
from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import console
from setpoint.cli.versions.listing import Model
from setpoint.config import Settings
from setpoint.loop.verbs.exporting import exported


def export(
    model: Model,
    version: Annotated[str | None, typer.Argument(help="Such as v3; default: the champion.")] = None,
    *,
    to: Annotated[Path, typer.Option(help="The folder to write; must be empty, or not there.")],
    mlflow: Annotated[bool, typer.Option("--mlflow", help="Write a directory that MLflow loads.")] = False,
) -> None:
    """Write a version to a folder that runs with onnxruntime and NumPy alone, without Setpoint."""
    name = exported(open_home(Settings()), model, version, to, mlflow=mlflow)
    how = "`mlflow.pyfunc.load_model` loads it" if mlflow else f"`python {to}/predict.py rows.csv` answers rows"
    console.print(f"Wrote [bold]{model} {name}[/] to {to}: {how}", highlight=False)
