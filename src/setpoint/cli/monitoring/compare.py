"""monitor compare: two tables, with no deployment."""

from pathlib import Path
from typing import Annotated

import typer

from setpoint.cli.show import Json, console, number, print_json, table
from setpoint.loop.frames import read_table
from setpoint.monitor.compare import compare as compared


def compare(
    reference: Annotated[Path, typer.Argument(help="A table: .parquet or .csv.")],
    current: Annotated[Path, typer.Argument(help="The table to compare with it.")],
    json: Json = False,
) -> None:
    """Compare two tables column by column; needs no deployment."""
    found = compared(read_table(reference), read_table(current))
    if json:
        print_json(found)
        return
    rows = [
        (c["column"], "[red]changed[/]" if c["changed"] else "", c["kind"], number(c["effect"]), c["detail"])
        for c in sorted(found["columns"], key=lambda c: not c["changed"])
    ]
    console.print(table("", ("column", "", "kind", "effect", ""), rows, right=("effect",)))
