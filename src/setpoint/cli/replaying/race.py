"""replay PATH: policies over recorded traffic, and whether one is worth switching on."""

import json as json_
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from setpoint.bootstrap.replaying import replay_table
from setpoint.cli.bar import bar
from setpoint.cli.show import Json, console, number, plain, print_json, table
from setpoint.config import Settings, read_setpoint_file, seconds
from setpoint.domain.value import to_json
from setpoint.loop.replay import POLICIES, PolicyResult, Replayed
from setpoint.loop.replay.existing import notes
from setpoint.loop.replay.policies import BUILT_IN
from setpoint.loop.replay.report import write_report
from setpoint.loop.replay.verdict import Answer, Verdict
from setpoint.loop.verbs.frames import read_table
from setpoint.loop.verbs.inside import checked
from setpoint.loop.verbs.inside_words import inside_view, summary

STYLES = {Answer.YES: "bold green", Answer.NO: "bold", Answer.UNSURE: "bold yellow"}
MOST = 30  # decisions that are printed


def race(
    path: Annotated[Path, typer.Argument(help="setpoint.yaml or its folder.")],
    data: Annotated[Path, typer.Option(help="Recorded traffic with outcomes: .parquet or .csv.")],
    policy: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(BUILT_IN)}, or a .yaml file with keys that differ; default: setpoint, never."),
    ] = None,
    every: Annotated[str, typer.Option(help="Time between two looks of the loop.")] = "1d",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report; finished policies there are not run again.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Policies that run at once.")] = 1,
    json: Json = False,
) -> None:
    """Race policies over a recorded table, and say whether automatic retraining is worth switching on."""
    file, recorded = read_setpoint_file(path), read_table(data)
    asked, done = tuple(policy or POLICIES), dict[str, int]()
    with bar(recorded.num_rows * len({*asked, "never"}), "replaying", quiet=json) as advance:

        def told(name: str, rows: int) -> None:
            done[name] = rows
            advance(sum(done.values()), words=f"replaying {name}")

        replayed = replay_table(
            file,
            recorded,
            Settings(),
            every=timedelta(seconds=seconds(every)),
            policies=asked,
            out=out,
            jobs=jobs,
            progress=told,
        )
    view = replay_view(replayed)
    if out is not None:
        (out / "result.json").write_text(json_.dumps(view, indent=2) + "\n")
        write_report(replayed, file.model, out / "report.html")
    if json:
        print_json(view)
    else:
        _show(replayed, out)


def replay_view(replayed: Replayed) -> dict[str, Any]:
    """Return what `--json` prints."""
    names = ("policies", "windows", "decisions", "verdict", "loss")
    view = {name: msgspec.json.decode(to_json(getattr(replayed, name))) for name in names}
    return {**view, "envelope": {c.policy: inside_view(checked(c.deployment)) for c in replayed.courses.values()}}


def _show(replayed: Replayed, out: Path | None) -> None:
    if replayed.verdict is not None:
        _answer(replayed.verdict)
    valued = any(p.value is not None for p in replayed.policies.values())
    value = ["value"] if valued else []
    columns = [
        *("policy", replayed.loss, *value),
        *("better than never", "at set point", "retrains", "promoted", "training"),
    ]
    rows = [_row(name, p, valued=valued) for name, p in replayed.policies.items()]
    console.print(table("", columns, rows, right=columns[1:]))
    for note in notes({n: p.outcomes for n, p in replayed.policies.items() if p.outcomes is not None}):
        console.print(note, highlight=False)
    for course in (c for c in replayed.courses.values() if c.deployment.decisions):
        console.print(f"{plain(course.policy)} {plain(summary(checked(course.deployment)))}", highlight=False)
    for d in replayed.decisions[-MOST:] if out is not None else replayed.decisions:
        console.print(
            f"{d.at:%Y-%m-%d %H:%M}  {plain(d.policy)}: {d.action} {plain(d.subject)}: {plain(d.why)}", highlight=False
        )
    if out is not None:
        console.print(f"Every decision, and the race drawn: {out / 'report.html'}", highlight=False)


def _answer(verdict: Verdict) -> None:
    said = Text("Switch on automatic retraining? ").append(verdict.answer.capitalize(), STYLES[verdict.answer])
    console.print(said)
    for why in verdict.why:
        console.print(f"  {plain(verdict.policy)}: {why}", highlight=False)
    if verdict.rows is not None:
        console.print(f"  About {verdict.rows:,} rows with outcomes would tell.", highlight=False)


def _row(name: str, p: PolicyResult, *, valued: bool) -> list[str]:
    gain = "" if p.gain is None else f"{number(p.gain.mean)} ({number(p.gain.low)} to {number(p.gain.high)})"
    held = "–" if p.at_set_point is None else f"{p.at_set_point:.0%}"
    value = [number(p.value)] if valued else []
    return [name, number(p.quality), *value, gain, held, str(p.retrains), str(p.promotions), number(p.cost, " s")]
