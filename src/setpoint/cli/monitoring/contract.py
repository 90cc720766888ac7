"""monitor contract: what the columns of a model or a table hold, each alone and together."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import yaml

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, print_json, table
from setpoint.config import Settings
from setpoint.domain.data_contract import Breach, DataContract
from setpoint.domain.value import to_json
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.frames import read_table
from setpoint.monitor.contract import breaches, contract_of
from setpoint.monitor.pandera import as_pandera

TABLES = (".parquet", ".pq", ".csv")


class Format(StrEnum):
    """How a contract is written for other programs."""

    PANDERA = "pandera"
    JSON = "json"
    YAML = "yaml"


def contract(
    of: Annotated[str, typer.Argument(metavar="MODEL|TABLE", help="A deployment, or a table: .parquet or .csv.")],
    format: Annotated[Format | None, typer.Option(help="Print it for other programs.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write it to a file; .py, .json or .yaml tells the format.")] = None,
    target: Annotated[str | None, typer.Option(help="With a table: a column that is no input, and left out.")] = None,
    check: Annotated[Path | None, typer.Option(help="A table to check: lists what it breaks.")] = None,
    json: Json = False,
) -> None:
    """Show what columns hold, each alone and together, learnt from a reference; or check a table against it."""
    found = _contract(of, target)
    if check is not None:
        _checked(found, check, json)
    elif out is not None:
        out.write_text(_written(found, of, format or _by_suffix(out)))
        console.print(f"Wrote the contract of {of} to {out}", highlight=False)
    elif format is not None or json:
        typer.echo(_written(found, of, format or Format.JSON), nl=False)
    else:
        _shown(found)


def _contract(of: str, target: str | None) -> DataContract:
    if not of.lower().endswith(TABLES):
        return open_home(Settings()).contract(of)
    given = read_table(Path(of))
    if target is not None and target not in given.column_names:
        raise InvalidInput(f"--target {target}: the table has no such column; it has {', '.join(given.column_names)}")
    return contract_of(given.select([name for name in given.column_names if name != target]))


def _by_suffix(out: Path) -> Format:
    known = {".py": Format.PANDERA, ".json": Format.JSON, ".yaml": Format.YAML, ".yml": Format.YAML}
    if out.suffix not in known:
        raise InvalidInput(f"--out {out}: expected a .py, .json or .yaml file, or --format beside it")
    return known[out.suffix]


def _written(found: DataContract, of: str, format: Format) -> str:
    match format:
        case Format.PANDERA:
            return as_pandera(found, of)
        case Format.YAML:
            return yaml.safe_dump(_plain(found), sort_keys=False, allow_unicode=True, width=120)
        case Format.JSON:
            return to_json(found, pretty=True).decode()


def _plain(found: DataContract) -> Any:
    return msgspec.to_builtins(found, builtin_types=(), str_keys=True)


def _shown(found: DataContract) -> None:
    if not found.columns:
        console.print("This version was deployed before contracts were learnt; deploy it again")
        return
    rows = [
        (
            c.name,
            c.dtype,
            number(100 * c.most_nulls, " %"),
            f"{number(c.low)} to {number(c.high)}" if c.low is not None else ", ".join(c.levels[:6]),
            ", ".join(word for word, so in (("unique", c.unique), ("never falls", c.increasing)) if so),
        )
        for c in found.columns
    ]
    console.print(table("", ("column", "type", "nulls up to", "values", ""), rows, right=("nulls up to",)))
    if not found.rules:
        console.print(f"No rules between columns hold in the {found.rows:,} rows")
        return
    rules = [
        (r.kind, f"{r.text}, where {r.among}" if r.among else r.text, number(100 * r.broken, " %")) for r in found.rules
    ]
    console.print(table("rules", ("kind", "rule", "broken"), rows=rules, right=("broken",)))


def _checked(found: DataContract, check: Path, json: bool) -> None:
    """List what a table breaks; the exit code says whether it breaks anything."""
    broken = breaches(found, read_table(check))
    if json:
        print_json({"kept": not broken, "breaches": [msgspec.to_builtins(b) for b in broken]})
    elif not broken:
        console.print(f"{check} keeps the contract", highlight=False)
    else:
        columns = ("subject", "", "rows", "share", "allowed", "for example rows")
        console.print(table("", columns, [_row(b) for b in broken], right=("rows", "share", "allowed")))
    if broken:
        raise typer.Exit(1)


def _row(b: Breach) -> tuple[str, ...]:
    share, limit = number(100 * b.share, " %"), number(100 * b.limit, " %")
    return b.subject, b.what, f"{b.rows:,}", share, limit, ", ".join(map(str, b.examples))
