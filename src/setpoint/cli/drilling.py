"""drill MODEL: whether this deployment would find, name and mend the faults of the catalogue."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from setpoint.bootstrap.drilling import CATALOGUE, drill
from setpoint.bootstrap.home import open_home
from setpoint.cli.bar import bar
from setpoint.cli.show import Json, console, plain, print_json, table, visible
from setpoint.config import Settings
from setpoint.domain.drill import (
    ACTED_ON,
    ASKED,
    BLIND,
    FOUND,
    HARMLESS,
    LEFT_ALONE,
    MENDED,
    MISTAKEN,
    NAMED,
    NOT_FOUND,
    Drill,
    Drilled,
)
from setpoint.domain.value import to_json
from setpoint.monitor.report.writing import span

ENOUGH = timedelta(days=14)
STYLES = {
    **dict.fromkeys((MENDED, ASKED, LEFT_ALONE), "green"),
    **dict.fromkeys((NAMED, FOUND), "yellow"),
    **dict.fromkeys((MISTAKEN, NOT_FOUND, ACTED_ON), "red"),
    HARMLESS: "dim",
    BLIND: "yellow",
}


def drill_model(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    fault: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(CATALOGUE)}; may be repeated. [default: all of them]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which columns, ways and rows are hit.")] = 0,
    json: Json = False,
) -> None:
    """Plant faults in a shadow copy of MODEL's traffic, and see whether they are found, named and mended."""
    operator = open_home(Settings())
    with bar(0, "drilling", quiet=json) as advance:

        def told(done: int, of: int, words: str) -> None:
            advance(done, of, f"drilling: {words}")

        found = drill(operator, model, faults=tuple(fault or ()), seed=seed, progress=told)
    if json:
        print_json(drill_view(found))
    else:
        _show(found)


def drill_view(found: Drill) -> dict[str, Any]:
    """Return what `--json` prints."""
    view: dict[str, Any] = msgspec.json.decode(to_json(found))
    for said, of in zip(view["faults"], found.faults, strict=True):
        said |= {"what": of.fault.words, "damage": of.damage, "regained": of.regained, "verdict": of.verdict}
        said |= {"found": of.found, "named": of.named, "right": of.right}
    return view


def _show(found: Drill) -> None:
    thinned = f", every {found.every}th of them" if found.every > 1 else ""
    console.print(
        f"{plain(found.model)} {found.version}: {found.rows:,} records{thinned} of {found.since:%Y-%m-%d} to "
        f"{found.until:%Y-%m-%d}; faults act from {found.begins:%Y-%m-%d %H:%M} to {found.ends:%Y-%m-%d %H:%M}",
        highlight=False,
    )
    columns = ("planted → thought to be: remedy", "costs", "found\nafter", "regained", "verdict")
    console.print(table("", columns, [_row(d) for d in found.faults], right=columns[1:4]))
    for kind, why in found.impossible.items():
        console.print(f"  {kind}: not drilled here: {plain(why)}", highlight=False)
    if found.quiet:
        console.print(f"  without a fault it tells of {plain(', '.join(found.quiet))}", highlight=False)
    console.print(_summary(found), highlight=False)
    if (whole := found.until - found.since) < ENOUGH:
        console.print(
            f"[yellow]All these records came within {span(whole.total_seconds())}[/]: monitors compare hours and days, "
            "so that says little of a longer time; drill again when some weeks are on record",
            highlight=False,
        )


def _row(d: Drilled) -> list[str | Text]:
    return [
        Text("\n".join(visible(line) for line in _lines(d))),
        "?" if d.damage is None else f"{d.damage:+.0%}",
        "–" if d.found_rows is None else f"{d.found_rows:,}",
        "" if d.regained is None else f"{d.regained:.0%}",
        Text(d.verdict.replace(", ", ",\n"), STYLES[d.verdict]),
    ]


def _lines(d: Drilled) -> list[str]:
    """Return what was planted, and below what the loop thought and did."""
    remedy = d.remedy if d.applied or not d.remedy else f"({d.remedy})"
    thought = [f"{cause} of {about} ({weight:.2f})" for cause, about, weight in d.causes[:1]]
    return [d.fault.words, *(f"→ {': '.join(filter(None, (words, remedy)))}" for words in thought)]


def _summary(found: Drill) -> str:
    benign = [d for d in found.faults if d.verdict in (LEFT_ALONE, ACTED_ON)]
    faults = [d for d in found.faults if d not in benign and d.verdict != HARMLESS]
    of = Counter(d.verdict for d in found.faults)
    mistaken = sum(d.mistaken for d in faults)
    blind = f" {of[BLIND]} show only in outcomes, of which none was known during the drill." if of[BLIND] else ""
    return (
        f"Of {len(faults)} faults it would find {sum(d.found for d in faults)}, name {sum(d.named for d in faults)}, "
        f"mend {of[MENDED]}, and propose the right remedy of {of[ASKED]} more; {mistaken} would be taken for something "
        f"else.{blind} Of {len(benign)} changes that are no fault it would leave {of[LEFT_ALONE]} alone. "
        "A remedy in ( ) was proposed, and not applied."
    )
