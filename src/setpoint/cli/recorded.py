"""records: what was recorded, on the screen or for other programs."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import cell, console, steps, table, unicode
from setpoint.config import Settings
from setpoint.domain.schema import DType, Feature, Kind, Schema
from setpoint.domain.value import utc
from setpoint.errors import InvalidInput
from setpoint.loop.verbs import recorded
from setpoint.loop.verbs.records import as_lines, write_records

TRUTHS = {"true": 1.0, "false": 0.0}
Model = Annotated[str, typer.Argument(help="Name of the deployment.")]


def records(
    model: Model,
    since: Annotated[datetime | None, typer.Option(help="Event time from (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Event time before (UTC).")] = None,
    version: Annotated[str | None, typer.Option(help="Only what this version answered.")] = None,
    segment: Annotated[
        list[str] | None, typer.Option(help="FEATURE=VALUE: only rows of this segment. May be repeated.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help='A condition: "age > 60 and status == 200", "outcome is None".')
    ] = None,
    id_: Annotated[
        list[str] | None, typer.Option("--id", help="Only rows of this id, as it was sent. May be repeated.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many rows, the last ones.")] = None,
    decrypt: Annotated[
        bool, typer.Option("--decrypt", help="Show what is recorded encrypted; needs the key of the home.")
    ] = False,
    json_lines: Annotated[bool, typer.Option("--json-lines", help="One JSON record a line.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write a .parquet or .csv file instead.")] = None,
) -> None:
    """Show what was recorded: inputs, outputs, and the outcome where it is known."""
    unicode("--id", *(id_ or ()))
    unicode("--version", version or "")
    operator = open_home(Settings())
    asked: dict[str, Any] = {
        "since": utc(since) if since else None,
        "until": utc(until) if until else None,
        "version": version,
        "where": _condition(operator.schema(model), segment or [], where),
        "ids": id_ or None,
        "decrypt": decrypt,
    }
    if out is None and not json_lines:
        _show_records(recorded.records(operator, model, **asked, limit=min(limit or 20, 1_000)))
        return
    parts = (
        recorded.record_parts(operator, model, **asked)
        if limit is None
        else [recorded.records(operator, model, **asked, limit=limit)]
    )
    if out is None:
        for line in chain.from_iterable(map(as_lines, parts)):
            sys.stdout.write(line + "\n")
        return
    with steps(quiet=False) as progress:
        rows = write_records(_counted(parts, progress), out)
    console.print(f"Wrote {rows:,} records to {out}", highlight=False)


def _counted(parts: Iterable[pa.Table], progress: Callable[[str], None]) -> Iterator[pa.Table]:
    rows = 0
    for part in parts:
        yield part
        rows += part.num_rows
        progress(f"{rows:,} records written")


def _show_records(found: pa.Table) -> None:
    rows = [
        (
            r["id"] or r["request_id"],  # of a request without rows
            f"{r['time']:%Y-%m-%d %H:%M:%S}",
            r["version"],
            r["role"],
            str(r["status"]),
            _outputs(r["outputs"]) or ", ".join(r["violations"]) or "–",
            cell(r["outcome"]),
        )
        for r in found.to_pylist()
    ]
    if not rows:
        console.print("No records that match")
        return
    console.print(table("", ("id", "time", "version", "role", "status", "outputs", "outcome"), rows))


def _condition(schema: Schema, segments: list[str], where: str | None) -> str | None:
    """Return segments and a condition as one condition."""
    features = {f.name: f for f in schema.features}
    parts = []
    for text in segments:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidInput(f"--segment {text}: expected FEATURE=VALUE, such as job=admin")
        parts.append(f"inputs[{name!r}] == {_value(features.get(name), value, text)!r}")
    if where:
        parts.append(f"({where})" if parts else where)
    return " and ".join(parts) or None


def _value(feature: Feature | None, value: str, text: str) -> float | str:
    """Return a value as its feature is recorded: numbers and bools as numbers.

    Only the records know a feature that no version has any more: what reads as a number is one.
    """
    if feature is not None and feature.kind is Kind.CATEGORICAL:
        return value
    if feature is not None and feature.dtype is DType.BOOL and value.lower() in TRUTHS:
        return TRUTHS[value.lower()]
    number = _number(value)
    if number is None and feature is not None:
        expected = "true or false" if feature.dtype is DType.BOOL else "a number"
        raise InvalidInput(f"--segment {text}: {feature.name} is {expected}, and {value!r} is not")
    return value if number is None else number


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _outputs(outputs: dict[str, Any] | None) -> str:
    """Write outputs in a line; the probability of each class is left to `--json-lines`."""
    few = {name: value for name, value in (outputs or {}).items() if not name.startswith("probability_")}
    return ", ".join(f"{name} {cell(value)}" for name, value in few.items() if value is not None)
