"""Recorded requests, scored again by another version."""

from setpoint.domain.fleet import Deployment
from setpoint.domain.records import Column, Records
from setpoint.domain.schema import Schema
from setpoint.loop.looks.clear import score
from setpoint.loop.looks.spans import repaired_spans
from setpoint.loop.ports import Ports
from setpoint.stats.losses import answer_losses
from setpoint.update.sets.fill import repaired_inputs


def rescored_losses(ports: Ports, deployment: Deployment, schema: Schema, version: str, rows: Records) -> Column:
    """Return what a version's answers would have cost on labelled rows, inputs repaired where they were broken.

    The rows are in clear, see `setpoint.loop.looks.clear.in_clear`.
    """
    inputs = repaired_inputs(rows, repaired_spans(deployment))
    return answer_losses(score(ports, deployment.model, version, inputs), rows.truth, schema)
