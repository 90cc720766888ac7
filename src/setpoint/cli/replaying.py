"""replay and demo: the loop on recorded time, and on a stream that the demo sends."""

import json as json_
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from setpoint.bootstrap.home import replay_table
from setpoint.cli.show import Json, console, errors, number, plain, print_json, table
from setpoint.config import Settings, read_setpoint_file, seconds
from setpoint.demo.drive import Progress as Driven
from setpoint.demo.report import write_report
from setpoint.demo.result import result_of
from setpoint.demo.run import run_demo
from setpoint.loop.frames import read_table
from setpoint.loop.replay import POLICIES, Replayed

NOTABLE = ("open", "locate", "mend", "recovered", "lift", "undo", "promote", "release")


def replay(
    path: Annotated[Path, typer.Argument(help="setpoint.yaml or its folder.")],
    data: Annotated[Path, typer.Option(help="Recorded traffic with outcomes: .parquet or .csv.")],
    policy: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(POLICIES)}; default: all.")] = None,
    every: Annotated[str, typer.Option(help="Time between two looks of the loop.")] = "1d",
    json: Json = False,
) -> None:
    """Show what the loop would have done with recorded traffic, beside doing nothing."""
    file, recorded = read_setpoint_file(path), read_table(data)
    with _bar(recorded.num_rows, "replaying", quiet=json) as advance:
        done = replay_table(
            file,
            recorded,
            Settings(),
            every=timedelta(seconds=seconds(every)),
            policies=tuple(policy or POLICIES),
            progress=advance,
        )
    if json:
        print_json(_replay_view(done))
        return
    rows = [
        (name, number(p.quality), str(p.retrains), str(p.promotions), number(p.cost, " s"))
        for name, p in done.policies.items()
    ]
    columns = ("policy", "loss per row", "retrains", "promotions", "training")
    console.print(table("", columns, rows, right=columns[1:]))
    for d in done.decisions:
        console.print(f"{d.at:%Y-%m-%d %H:%M}  {d.action} {plain(d.subject)}: {plain(d.why)}", highlight=False)


def _replay_view(done: Replayed) -> dict[str, Any]:
    view = msgspec.to_builtins(done)
    decisions = [{"policy": "setpoint", **d} for d in view["decisions"]]
    return {"policies": view["policies"], "windows": view["windows"], "decisions": decisions}


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report, the result and the demo's home.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Seed of every model.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Data-plane workers.")] = 2,
    json: Json = False,
) -> None:
    """Run the whole loop on two years of real demand; exit code 1 if anything it claims is not so."""
    with _bar(0, "starting", quiet=json) as advance:
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


@contextmanager
def _bar(total: int, words: str, *, quiet: bool) -> Iterator[Callable[..., None]]:
    """Show a progress bar on the error stream; calling what this gives moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=quiet, transient=True) as progress:
        task = progress.add_task(words, total=total or None)

        def advance(done: int, total: int | None = None, words: str | None = None) -> None:
            progress.update(task, completed=done, total=total, description=words)

        yield advance
