"""The page of all incidents: how reliably each model is operated, and its incidents, each with a link to its page."""

from collections.abc import Sequence
from typing import Any

from setpoint.domain.fleet import Deployment
from setpoint.domain.owner import responsible_for
from setpoint.domain.reliability import Reliability
from setpoint.loop.record.page import CHIPS, environment

MOST = 50  # incidents of a model, the live ones first, then the newest


def incidents_page(deployments: Sequence[Deployment], found: Sequence[Reliability]) -> str:
    """Return one HTML page; its links lead to where the control process serves the page of an incident."""
    models = [_model(d, r) for d, r in zip(deployments, found, strict=True)]
    return environment().get_template("index.html.j2").render(models=models)


def _model(deployment: Deployment, reliability: Reliability) -> dict[str, Any]:
    ordered = sorted(deployment.incidents, key=lambda i: (not i.live, -i.opened.timestamp()))
    return {
        "name": deployment.model,
        "reliability": reliability,
        "incidents": [
            (i, CHIPS.get(i.status, "alarm"), responsible_for(i, deployment.owners).name) for i in ordered[:MOST]
        ],
        "left": max(len(ordered) - MOST, 0),
    }
