"""update receipts: what was expected of each update, what it won, and what else could have been done."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, print_json, table
from setpoint.config import Settings
from setpoint.domain.receipt import Gain
from setpoint.domain.rollout import Rollout
from setpoint.loop.verbs.views import receipt_view

COLUMNS = ("candidate", "how", "ended", "expected", "gate", "realised", "rows", "best instead", "regret", "training")


def receipts(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    json: Json = False,
) -> None:
    """Show what each update was expected to win per row, what it won, and what else could have been done."""
    ended = [r for d in open_home(Settings()).deployments(model) for r in d.rollouts if not r.running]
    if json:
        print_json({"receipts": [receipt_view(r) for r in ended]})
        return
    if not ended:
        console.print("No update has ended yet")
        return
    console.print(table("", COLUMNS, [_line(r) for r in ended], right=COLUMNS[3:7] + COLUMNS[8:]))
    console.print("Gains: loss per row won from the champion of the time; of what was rejected, what it would have won")


def _line(rollout: Rollout) -> tuple[str, ...]:
    candidate, receipt = rollout.candidate, rollout.receipt
    measured = receipt if receipt and receipt.realised.rows else None
    best = min(measured.alternatives, key=measured.alternatives.__getitem__) if measured and measured.regret else "–"
    return (
        candidate.version,
        candidate.method.replace("_", " "),
        str(rollout.phase),
        _gain(candidate.expected),
        number(candidate.gate.gain) if candidate.gate else "–",
        _gain(measured.realised) if measured else "not yet",
        str(measured.realised.rows) if measured else "–",
        best,
        number(measured.regret) if measured else "–",
        number(candidate.seconds, " s"),
    )


def _gain(gain: Gain | None) -> str:
    return "–" if gain is None else f"{number(gain.mean)} ({number(gain.low)} to {number(gain.high)})"
