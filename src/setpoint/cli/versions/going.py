"""versions prune, hold and release."""

from datetime import timedelta
from typing import Annotated

import msgspec
import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import ME, By, Json, console, plain, print_json, table
from setpoint.cli.versions.checking import AnyModel
from setpoint.cli.versions.listing import Model, Version, size
from setpoint.config import Settings, seconds
from setpoint.errors import InvalidInput
from setpoint.loop.verbs import versions
from setpoint.loop.verbs.operator import Operator
from setpoint.loop.verbs.pruning import KEEP, Pruned
from setpoint.loop.verbs.pruning import prune as removed_of


def prune(
    model: AnyModel = None,
    keep: Annotated[int, typer.Option(help="So many of the newest versions stay in any case.")] = KEEP,
    older_than: Annotated[str | None, typer.Option(help="Only versions made before that, such as 90d, go.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: By = ME,
    json: Json = False,
) -> None:
    """Remove the files of versions that nothing needs. Their manifests stay, for their records are read by them."""
    if json and not (yes or dry_run):
        raise InvalidInput("with --json nobody can be asked: write --yes as well, or --dry-run")
    operator = open_home(Settings())
    age = timedelta(seconds=seconds(older_than)) if older_than else None
    asks = not (yes or dry_run)
    found = _pruned(operator, model, keep, age, by, dry_run=dry_run or asks)
    if json:
        print_json({"dry_run": dry_run, "models": [msgspec.to_builtins(p) for p in found]})
        return
    _show(found, would=dry_run or asks)
    if asks and any(p.removed for p in found):
        typer.confirm("Remove them for good?", abort=True)
        _show(_pruned(operator, model, keep, age, by, dry_run=False), would=False)


def hold(
    model: Model,
    version: Version,
    why: Annotated[str, typer.Option(help="The reason, for those who come later.")],
    by: By = ME,
) -> None:
    """Keep a version, whatever else happens, until it is released."""
    versions.hold(open_home(Settings()), model, version, why=why, by=by)
    console.print(f"[bold]{model} {version}[/] is on hold: `prune` leaves it", highlight=False)


def release(model: Model, version: Version, by: By = ME) -> None:
    """End a hold."""
    held = versions.release(open_home(Settings()), model, version, by=by)
    console.print(
        f"[bold]{model} {version}[/] is no longer on hold (by {plain(held.by)} since {held.at:%Y-%m-%d}: "
        f"{plain(held.why)})",
        highlight=False,
    )


def _pruned(
    operator: Operator, model: str | None, keep: int, age: timedelta | None, by: str, *, dry_run: bool
) -> list[Pruned]:
    models = [d.model for d in operator.deployments(model)]
    return [removed_of(operator, m, keep=keep, older_than=age, dry_run=dry_run, by=by) for m in models]


def _show(found: list[Pruned], *, would: bool) -> None:
    going, stays = ("would go", "stays") if would else ("removed", "stays")
    rows = [
        *((p.model, r.version, going, size(r.bytes)) for p in found for r in p.removed),
        *((p.model, version, stays, "; ".join(whys)) for p in found for version, whys in p.kept.items()),
    ]
    console.print(table("", ("model", "version", "", ""), rows) if rows else "Nothing is deployed yet")
