"""monitor MODEL: what a look at it finds."""

from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import Json, console, number, print_json, table
from setpoint.config import Settings
from setpoint.errors import InvalidInput
from setpoint.loop.operator import Operator
from setpoint.loop.views import estimate_view, finding_view


def look(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: the only one.")] = None,
    json: Json = False,
) -> None:
    """Look at MODEL now; decides nothing. `setpoint monitor MODEL` is the same."""
    operator = open_home(Settings())
    _, seen = operator.look(model or _only(operator))
    if json:
        study = seen.study
        print_json(
            {
                "findings": [finding_view(f) for f in seen.findings],
                "estimates": [estimate_view(e) for e in seen.estimates],
                "skipped": study.skipped if study else {},
            }
        )
        return
    for e in seen.estimates:
        if e.value is None:
            console.print(f"[dim]{e.objective.name} {e.why}[/]", highlight=False)
    if not seen.findings:
        console.print(f"Nothing to say yet: {len(seen.recent):,} records since the last look")
    for monitor_name in sorted({f.monitor for f in seen.findings}):
        rows = [
            (
                "[red]alarm[/]" if f.alarm else "",
                f.metric,
                f.column or f.segment or "",
                number(f.value),
                number(f.limit),
                str(f.rows),
                f.detail,
            )
            for f in sorted(seen.findings, key=lambda f: not f.alarm)
            if f.monitor == monitor_name
        ]
        columns = ("", "metric", "column", "value", "limit", "rows", "")
        console.print(table(monitor_name, columns, rows, right=("value", "limit", "rows")))


def _only(operator: Operator) -> str:
    models = [d.model for d in operator.deployments()]
    if len(models) != 1:
        raise InvalidInput(f"say which model; deployed are: {', '.join(models) or 'none'}")
    return models[0]
