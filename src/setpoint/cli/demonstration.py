"""demo: the whole loop on a stream that the demo sends."""

import json as json_
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from setpoint.cli.bar import bar
from setpoint.cli.show import Json, console, errors, number, plain, print_json, table
from setpoint.demo.drive import Progress as Driven
from setpoint.demo.report import write_report
from setpoint.demo.result import result_of
from setpoint.demo.run import run_demo

NOTABLE = ("open", "locate", "mend", "recovered", "lift", "undo", "promote", "release")


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report, the result and the demo's home.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of every model.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Data-plane workers.")] = 2,
    json: Json = False,
) -> None:
    """Run the whole loop on two years of real demand; exit code 1 if anything it claims is not so."""
    with bar(0, "starting", quiet=json) as advance:
        ran = run_demo(out.resolve(), seed=seed, workers=workers, show=lambda p: _show(p, advance, quiet=json))
    result = result_of(ran)
    (out / "result.json").write_text(json_.dumps(result, indent=2) + "\n")
    write_report(result, out / "report.html")
    if json:
        print_json(result)
    else:
        _summary(result, out)
    if not all(check["ok"] for check in result["checks"]):
        raise typer.Exit(1)


def _show(driven: Driven, advance: Callable[..., None], *, quiet: bool) -> None:
    advance(driven.sent, total=driven.of, words=f"{driven.now:%Y-%m-%d}")
    for d in driven.decisions:
        if not quiet and d.action in NOTABLE:
            errors.print(f"{d.at:%Y-%m-%d}  [bold]{d.action}[/] {plain(d.subject)}: {plain(d.why)}", highlight=False)


def _summary(result: dict[str, Any], out: Path) -> None:
    mae, requests = result["mae"], result["requests"]
    rows: list[tuple[str | Text, str | Text]] = [
        ("the model as it was", number(mae["static"])),
        ("refitted every week, by the clock", number(mae["refit_every_window"])),
        (Text("Setpoint", "bold"), Text(number(mae["setpoint"]), "bold")),
    ]
    console.print(table("Mean absolute error over the stream", ("", "MAE"), rows, right=("MAE",)))
    planted = [
        (p["fault"], p["cause"] or "–", p["remedy"] or "–", str(p["mended_after_requests"]), p["proof"] or "")
        for p in result["planted"]
    ]
    columns = ("planted", "cause found", "remedy", "mended after requests", "proof")
    console.print(table("Faults", columns, planted, right=("mended after requests",)))
    ended = [r["outcome"] for r in result["rollouts"]]
    console.print(
        f"{len(ended)} candidates: {ended.count('promoted')} promoted, {ended.count('rejected')} rejected. "
        f"{requests['sent']:,} requests, {requests['failed']} failed, {requests['unrecorded']} unrecorded, "
        f"in {result['seconds']:.0f} s.",
        highlight=False,
    )
    for check in result["checks"]:
        mark = "[green]✓[/]" if check["ok"] else "[red]✗[/]"
        console.print(f"{mark} {check['claim']} ({check['detail']})", highlight=False)
    console.print(f"Report: {out / 'report.html'}   Result: {out / 'result.json'}")
