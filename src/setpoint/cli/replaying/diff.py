"""replay diff: where two policies first decided differently, and why."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from setpoint.cli.show import Json, console, number, plain, print_json, table
from setpoint.domain.value import to_json
from setpoint.loop.replay.difference import Difference, Side, difference
from setpoint.loop.replay.kept import found


def diff(
    a: Annotated[Path, typer.Argument(help="A policy's folder in that of a replay, such as out/setpoint.")],
    b: Annotated[Path, typer.Argument(help="Another one, of the same replay or another over the same table.")],
    json: Json = False,
) -> None:
    """Show where two policies first decided differently, and why."""
    found_ = difference(found(a), found(b))
    if json:
        print_json(msgspec.json.decode(to_json(found_)))
    else:
        _show(found_)


def _show(d: Difference) -> None:
    if d.settings:
        rows = [(s.key, s.a, s.b) for s in d.settings]
        console.print(table("They run under other settings", ("key", d.a.policy, d.b.policy), rows))
    if d.at is None:
        console.print(f"{plain(d.a.policy)} and {plain(d.b.policy)} decided the same throughout.", highlight=False)
    else:
        console.print(f"They part on {d.at:%Y-%m-%d %H:%M}.", highlight=False)
        _side(d.a)
        _side(d.b)
    if d.gain is not None:
        console.print(
            f"{plain(d.a.policy)} loses {number(abs(d.gain.mean))} a row {'less' if d.gain.mean >= 0 else 'more'} than "
            f"{plain(d.b.policy)} (95 % interval of the gain {number(d.gain.low)} to {number(d.gain.high)}; "
            f"{d.gain.rows:,} rows).",
            highlight=False,
        )


def _side(side: Side) -> None:
    name = plain(side.policy)
    for decided in side.did:
        console.print(f"  {name}: {decided.action} {plain(decided.subject)}: {plain(decided.why)}", highlight=False)
    if not side.did:
        why = f", for it thought best: {plain(side.thought)}" if side.thought else ""
        console.print(f"  {name} did nothing{why}", highlight=False)
    console.print(f"  {name} took {side.alone} decisions that the other did not.", highlight=False)
