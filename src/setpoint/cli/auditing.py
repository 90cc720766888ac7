"""audit MODEL [FILE]: recorded inputs beside what their source says of the same records."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, plain, print_json, table
from setpoint.config import Settings
from setpoint.config.audit import PER_DAY
from setpoint.domain.audited import Audited, counted
from setpoint.domain.value import to_json
from setpoint.loop.verbs.auditing_by_hand import audit_source, audit_table
from setpoint.loop.verbs.frames import read_table
from setpoint.monitor.audit import FLOOR
from setpoint.stats.mismatch import fewest_beyond

SURELY = 0.001  # error of what is said of one column


def audit_model(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    file: Annotated[
        Path | None,
        typer.Argument(help="Table of true inputs: an id, and features. [default: the source of setpoint.yaml]"),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Column of FILE that says which record: the id, or a feature.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="Records the source is asked for.")] = PER_DAY,
    json: Json = False,
) -> None:
    """Compare recorded inputs with what their source says of the same records. Exit code 1 if some surely differ."""
    operator = open_home(Settings())
    now, why = operator.clock.now(), ""
    if file is None:
        audits, why = audit_source(operator.ports, model, rows, now)
    else:
        audits = audit_table(operator.ports, model, read_table(file), key, now)
    views = columns_of(audits)
    if json:
        print_json({"model": model, "rows": sum(a.rows for a in audits), "columns": views, "not_audited": why})
    else:
        _show(model, audits, views, why)
    if any(v["differs"] for v in views):
        raise typer.Exit(1)


def columns_of(audits: tuple[Audited, ...]) -> list[dict[str, Any]]:
    """Return what is said of each column, those that differ most first."""
    names = dict.fromkeys(n for a in audits for n in a.columns)
    found = [_column(name, audits) for name in names]
    return sorted(found, key=lambda v: (-v["differing"], v["column"]))


def _column(name: str, audits: tuple[Audited, ...]) -> dict[str, Any]:
    differing, rows = counted(audits, name)
    seen = [d for a in audits if (d := a.of(name)) is not None]
    likes = {d.like for d in seen}
    return {
        "column": name,
        "rows": rows,
        "differing": differing,
        "differs": differing >= fewest_beyond(rows, (0, 0), FLOOR, SURELY),
        "since": msgspec.json.decode(to_json(seen[0].first)) if seen else None,
        "like": likes.pop() if len(likes) == 1 else "",
        "examples": [i for d in reversed(seen) for i in d.ids][:3],
    }


def _show(model: str, audits: tuple[Audited, ...], views: list[dict[str, Any]], why: str) -> None:
    rows = sum(a.rows for a in audits)
    first, last = audits[0].since, audits[-1].until
    console.print(
        f"{plain(model)}: {rows:,} records of {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} beside their source",
        highlight=False,
    )
    names = ("column", "compared", "differ", "", "since", "as", "records")
    console.print(table("", names, [_row(v) for v in views], right=("compared", "differ")))
    if why:
        console.print(f"[yellow]not all could be compared:[/] {plain(why)}", highlight=False)
    surely = [v["column"] for v in views if v["differs"]]
    if surely:
        console.print(
            f"[red]{plain(', '.join(surely))}[/]: what is recorded is not what the source says. The loop opens an "
            f"incident at its next look: `setpoint incidents {plain(model)}`",
            highlight=False,
        )


def _row(view: dict[str, Any]) -> list[str | Text]:
    share = view["differing"] / view["rows"]
    style = "red" if view["differs"] else "dim"
    return [
        view["column"],
        f"{view['rows']:,}",
        Text(f"{view['differing']:,}", style),
        Text(f"{share:.1%}" if view["differing"] else "", style),
        "" if view["since"] is None else view["since"][:16].replace("T", " "),
        view["like"],
        ", ".join(view["examples"]),
    ]
