"""monitor compare: two tables, with no deployment."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from setpoint.cli.show import Json, console, number, plain, print_json, table
from setpoint.monitor.tables.compared import compare as compared


def compare(
    reference: Annotated[Path, typer.Argument(help="A table: .parquet or .csv.")],
    current: Annotated[Path, typer.Argument(help="The table to compare with it.")],
    target: Annotated[str | None, typer.Option(help="Column of the label: a moved share is `prior`.")] = None,
    prediction: Annotated[str | None, typer.Option(help="Column of the score: with the target, `concept`.")] = None,
    time: Annotated[str | None, typer.Option(help="Column that rows are put in the order of.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Column that tells rows apart; not compared.")] = None,
    relations: Annotated[bool, typer.Option("--relations", help="Compare what columns do together too.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report: one file that needs nothing else.")] = None,
    json: Json = False,
) -> None:
    """Compare two tables column by column; needs no deployment."""
    found = compared(reference, current, target=target, prediction=prediction, time=time, id=id_, relations=relations)
    if html is not None:
        html.write_text(found.to_html(), encoding="utf-8")
    if json:
        print_json(found.to_dict())
        return
    if html is not None:
        console.print(f"Wrote the report to {html}", highlight=False, markup=False)
        return
    rows = [
        (c.column, Text(c.kind, "red") if c.changed else "", number(c.effect) if c.changed else "", c.detail)
        for c in found.columns
        if c.changed or c.detail
    ]
    if rows:
        console.print(table("", ("column", "", "effect", ""), rows, right=("effect",)))
    console.print(f"{len(found.changed)} of {len(found.columns)} columns changed", highlight=False)
    for note in found.notes:
        console.print(f"[dim]{plain(note)}[/]", highlight=False)
