"""update receipts: what was expected of each update, what it won, and what else could have been done."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, plain, print_json
from setpoint.config import Settings
from setpoint.domain.receipt import Gain
from setpoint.domain.rollout import Rollout
from setpoint.loop.verbs.views import receipt_view


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
    for rollout in ended:
        _say(rollout)
    console.print("Gains: loss per row won from the champion of the time; of what was rejected, what it would have won")


def _say(rollout: Rollout) -> None:
    candidate, receipt = rollout.candidate, rollout.receipt
    measured = receipt if receipt and receipt.realised.rows else None
    method, took = candidate.method.replace("_", " "), f", trained in {number(candidate.seconds, ' s')}"
    console.print(f"[bold]{plain(candidate.version)}[/]: {method}, {rollout.phase}{took if candidate.seconds else ''}")
    gate = number(candidate.gate.gain) if candidate.gate else "–"
    _line(f"expected {_gain(candidate.expected)}, the gate measured {gate}")
    missing = "what it won could not be measured" if receipt else "what it won is not measured yet"
    _line(f"won {_gain(measured.realised)} on {measured.realised.rows} rows" if measured else missing)
    if measured and measured.regret:
        best = min(measured.alternatives, key=measured.alternatives.__getitem__)
        _line(f"better had been: {best}, by {number(measured.regret)}")


def _line(words: str) -> None:
    console.print(f"  {words}", highlight=False)


def _gain(gain: Gain | None) -> str:
    return "–" if gain is None else f"{number(gain.mean)} ({number(gain.low)} to {number(gain.high)})"
