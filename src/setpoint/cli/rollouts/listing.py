"""rollout list, and shares by hand."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.gate import gate_table
from setpoint.cli.show import ME, By, Json, console, number, print_json, table
from setpoint.config import Settings, fraction
from setpoint.domain.live import written
from setpoint.errors import InvalidInput
from setpoint.loop.verbs import deploying
from setpoint.loop.verbs.views import rollout_view, status_view


def list_(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: all.")] = None,
    share: Annotated[
        list[str] | None, typer.Option(help="VERSION=SHARE, such as v2=10%; 0 takes it away. May be repeated.")
    ] = None,
    by: By = ME,
    json: Json = False,
) -> None:
    """List candidates and rollouts, and how each ended; or give challengers a share of the requests."""
    if share:
        _share(model, share, by, json)
        return
    found = [r for d in open_home(Settings()).deployments(model) for r in d.rollouts]
    if json:
        print_json({"rollouts": [rollout_view(r) for r in found]})
        return
    rows = []
    for r in found:
        gate, shadow = r.candidate.gate, r.shadow
        rows.append(
            (
                r.candidate.version,
                r.phase,
                "; ".join(gate.checks) if gate else "",
                "; ".join(shadow.checks) if shadow else "",
                number(r.realised_gain),
            )
        )
    columns = ("candidate", "phase", "gate", "shadow", "realised gain")
    console.print(table("", columns, rows, right=("realised gain",)) if rows else "No candidates yet")
    for r in [r for r in found if r.candidate.gate and r.candidate.gate.judged][-1:]:
        assert r.candidate.gate is not None
        console.print()
        console.print(gate_table(r, r.candidate.gate))


def _share(model: str | None, given: list[str], by: str, json: bool) -> None:
    if model is None:
        raise InvalidInput(f"--share needs the model: `setpoint rollout MODEL --share {given[0]}`")
    parts = [text.partition("=") for text in given]
    for text, (version, equals, _) in zip(given, parts, strict=True):
        if not version or not equals:
            raise InvalidInput(f"--share {text}: expected VERSION=SHARE, such as v2=10%")
    shares = {version: fraction(share) for version, _, share in parts}
    view = status_view([deploying.rollout(open_home(Settings()), model, shares, by=by)])["deployments"][0]
    if json:
        print_json({"model": model, "shares": view["shares"]})
        return
    console.print(f"[bold]{model}[/] is answered by {written(view['shares'])}", highlight=False)
