"""erase: delete what is recorded of a subject."""

import time
from collections.abc import Callable
from typing import Annotated

import msgspec
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import ME, By, Json, console, print_json, steps, table, unicode
from setpoint.config import Settings
from setpoint.domain.record import Erasure
from setpoint.errors import InvalidInput
from setpoint.loop.verbs import recorded
from setpoint.loop.verbs.operator import Operator

POLL_S = 2.0


def erase(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    ids: Annotated[list[str] | None, typer.Option("--id", help="An id. May be repeated.")] = None,
    where: Annotated[
        str | None, typer.Option(help="A condition: the ids of its rows, such as \"customer == 'c-17'\".")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be erased, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    receipts: Annotated[bool, typer.Option("--receipts", help="Show what was erased so far.")] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", help="Seconds to wait until the workers have closed what they write to.")
    ] = 180.0,
    by: By = ME,
    json: Json = False,
) -> None:
    """Delete all that is recorded of some ids, with a receipt: records, outcomes, counts, and the bytes of all.

    Exit code 1 if bytes of it are still in the spool when the wait is over.
    """
    unicode("--id", *(ids or ()))
    operator = open_home(Settings())
    if receipts:
        _show_receipts(recorded.erasures(operator, model), json)
        return
    if not ids and not where:
        raise InvalidInput("nothing says what to erase: write --id ID or --where CONDITION")
    if json and not (yes or dry_run):
        raise InvalidInput("with --json nobody can be asked: write --yes as well, or --dry-run")
    if dry_run or not yes:
        rows = _rows(operator, model, ids or [], where)
        if json:
            print_json({"model": model, "rows": rows})
        else:
            console.print(f"{rows:,} recorded rows of {model}", highlight=False)
        if dry_run:
            return
        typer.confirm("Erase them for good, with their outcomes and all other rows of their ids?", abort=True)
    with steps(quiet=json) as progress:
        progress("erasing")
        receipt = recorded.erase(operator, model, ids=ids or [], where=where, by=by)
        left = _waited(operator, receipt, wait_s, progress)
    if json:
        print_json({**msgspec.to_builtins(receipt), "lingering": left})
    else:
        _say(receipt, left)
    if left:
        raise typer.Exit(1)


def _rows(operator: Operator, model: str, ids: list[str], where: str | None) -> int:
    found = [recorded.records(operator, model, ids=ids)] if ids else []
    found += [recorded.records(operator, model, where=where)] if where else []
    return len(
        {(r, n) for part in found for r, n in zip(part["request_id"].to_pylist(), part["row"].to_pylist(), strict=True)}
    )


def _waited(operator: Operator, receipt: Erasure, wait_s: float, progress: Callable[[str], None]) -> list[str]:
    end = time.monotonic() + wait_s
    while left := recorded.lingering(operator, receipt):
        if time.monotonic() >= end:
            break
        progress(f"waiting for the workers to close {len(left)} segments of the spool")
        time.sleep(min(POLL_S, max(0.0, end - time.monotonic())))
    return left


def _say(receipt: Erasure, left: list[str]) -> None:
    console.print(
        f"Erased {receipt.rows:,} rows and {receipt.outcomes:,} outcomes of {receipt.model}; "
        f"{len(receipt.days)} days were counted anew. Receipt [bold]{receipt.id}[/]",
        highlight=False,
    )
    if receipt.learnt:
        console.print(
            f"[yellow]{', '.join(receipt.learnt)}[/] learnt from them, or may have, and keep rows of them. No later "
            f"training set will: `setpoint update {receipt.model}` makes a version without them",
            highlight=False,
        )
    if receipt.training:
        console.print(
            f"The training [yellow]{receipt.training}[/] under way learns from them: what comes of it is refused, and "
            "its set goes when it ends",
            highlight=False,
        )
    if left:
        console.print(
            f"[red]{len(left)} segments of the spool still hold bytes of them[/], such as {left[0]}: a worker has not "
            "closed them. They go when it does, or when it is stopped",
            highlight=False,
        )


def _show_receipts(found: list[Erasure], json: bool) -> None:
    if json:
        print_json({"erasures": [msgspec.to_builtins(e) for e in found]})
        return
    rows = [
        (
            e.id,
            f"{e.asked:%Y-%m-%d %H:%M}",
            e.by,
            e.what,
            f"{e.rows:,}",
            f"{e.outcomes:,}",
            ", ".join(filter(None, (*e.learnt, e.training))) or "–",
        )
        for e in found
    ]
    columns = ("receipt", "asked", "by", "what", "rows", "outcomes", "learnt by")
    console.print(table("", columns, rows, right=("rows", "outcomes")) if found else "Nothing was erased yet")
