"""monitor rules and monitor dashboard: for those who run Prometheus and Grafana."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from setpoint.bootstrap.home import open_home
from setpoint.cli.show import console
from setpoint.config import Settings
from setpoint.errors import Unusable
from setpoint.monitor import grafana, prometheus

Out = Annotated[Path | None, typer.Option(help="Write to this file; default: standard output.")]


def rules(
    model: Annotated[str, typer.Argument(help="Name of the deployment.")],
    out: Out = None,
) -> None:
    """Write recording and alerting rules for Prometheus, made from the objectives of MODEL."""
    (deployment,) = open_home(Settings()).deployments(model)
    found = prometheus.rules_of(model, deployment.objectives)
    _write(yaml.safe_dump(found, sort_keys=False, width=1_000, allow_unicode=True), out)


def dashboard(
    model: Annotated[str | None, typer.Argument(help="Name of the deployment to show first; default: all.")] = None,
    out: Out = None,
) -> None:
    """Write a dashboard for Grafana, to be imported as JSON."""
    if model is not None:
        open_home(Settings()).deployments(model)
    _write(json.dumps(grafana.dashboard(model), indent=2) + "\n", out)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text)
    except OSError as e:
        raise Unusable(f"cannot write {out}: {e.strerror}") from e
    console.print(f"Written to {out}", highlight=False)
