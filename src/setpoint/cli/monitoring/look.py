"""monitor MODEL: what is wrong with it, what came near, and what could not be checked."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from setpoint.bootstrap.home import open_home
from setpoint.cli.monitoring.glance import glance
from setpoint.cli.monitoring.propose import propose_deployed
from setpoint.cli.show import Json, console, print_json
from setpoint.config import Settings
from setpoint.domain.value import utc
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.operator import Operator
from setpoint.monitor.overview.values import Overview

FAILED = 2  # exit code of what was asked to fail
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]


class FailOn(StrEnum):
    """What makes the exit code 2."""

    ALARM = "alarm"
    NOTE = "note"


def look(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment; default: the only one.")] = None,
    days: Annotated[float | None, typer.Option(min=0.01, help="Length of the period. [default: 28]")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="Begin of the period, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="Its end, UTC; default: now.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every column, also the quiet ones.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report: one file that needs nothing else.")] = None,
    fail_on: Annotated[FailOn | None, typer.Option(help="Exit with code 2 where there is one.")] = None,
    propose: Annotated[bool, typer.Option("--propose", help="Say instead what its monitors can see.")] = False,
    json: Json = False,
) -> None:
    """Look at MODEL now; decides nothing. `setpoint monitor MODEL` is the same."""
    operator = open_home(Settings())
    if propose:
        propose_deployed(model or _only(operator), json=json)
        return
    begin, end = _period(days, since, until)
    overview = operator.overview(model or _only(operator), days=days, since=begin, until=end)
    if html is not None:
        html.write_text(overview.to_html(), encoding="utf-8")
    if json:
        print_json(overview.to_dict())
    elif html is not None:
        console.print(f"Wrote the report of {overview.model} to {html}", highlight=False, markup=False)
    else:
        glance(console, overview, everything=everything)
    if fail_on is not None and _fails(overview, fail_on):
        raise typer.Exit(FAILED)


def _period(
    days: float | None, since: datetime | None, until: datetime | None
) -> tuple[datetime | None, datetime | None]:
    if days is not None and since is not None:
        raise InvalidInput("--days and --since both say when the period begins; give one of them")
    end = utc(until) if until else None
    return utc(since) if since else None, end


def _fails(overview: Overview, on: FailOn) -> bool:
    return bool(overview.findings) if on is FailOn.NOTE else any(f.alarm for f in overview.findings)


def _only(operator: Operator) -> str:
    models = [d.model for d in operator.deployments()]
    if len(models) != 1:
        raise InvalidInput(f"say which model; deployed are: {', '.join(models) or 'none'}")
    return models[0]
