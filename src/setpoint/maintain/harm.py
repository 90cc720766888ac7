"""What an incident has cost so far: the answers given meanwhile, and what they lost."""

from datetime import datetime

import numpy as np

from setpoint.domain.incident import Harm, Incident
from setpoint.domain.objective import Gain
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema, Task
from setpoint.maintain.drift import FEWEST, hourly_levels
from setpoint.maintain.loss import Floats, loss_name, losses_of
from setpoint.stats.quality.decisions import cells


def harm_of(
    incident: Incident,
    answers: Records,
    healthy: Records,
    schema: Schema,
    now: datetime,
    *,
    gain: Gain | None = None,
    threshold: float = 0.5,
) -> Harm:
    """Return what an incident has cost by now.

    Parameters
    ----------
    answers : Records
        What the champion answered from `incident.since` on.
    healthy : Records
        Rows of the weeks before that no incident makes doubtful.
    gain, threshold
        What a decision of a binary task is worth, and from which probability on it is a yes.
    """
    until = min(ended(incident) or now, now)
    rows = answers.between(incident.since, until)
    known, before = rows.labelled, healthy.labelled
    if len(known) < FEWEST or len(before) < FEWEST:
        return Harm(until=until, records=len(rows), labelled=len(known))
    base, loss = losses_of(before, schema.task), losses_of(known, schema.task)
    value = None
    if gain is not None and schema.task is Task.BINARY:
        each, usual = (worth(part, gain, threshold) for part in (known, before))
        value = finite((each.mean() - usual.mean()) * len(rows))
    return Harm(
        until=until,
        records=len(rows),
        labelled=len(known),
        loss=finite(loss.mean()),
        healthy=finite(hourly_levels(before, base, known.time).mean()),
        unit=loss_name(schema),
        value=value,
    )


def finite(number: float) -> float | None:
    """Return a number that can be written down; None for one that cannot."""
    return float(number) if np.isfinite(number) else None


def worth(rows: Records, gain: Gain, threshold: float) -> Floats:
    """Return what each decision was worth, shape (n,)."""
    each = np.array([gain.tp, gain.fp, gain.fn, gain.tn])
    found: Floats = each @ cells(rows.outcome.astype(np.float64), rows.score.astype(np.float64), threshold)
    return found


def ended(incident: Incident) -> datetime | None:
    """Return when the harm ended: by a repair that was not refuted, or because the incident was over."""
    repair = incident.repair
    if repair is not None and repair.applied is not None and not repair.refuted and not repair.remedy.is_advice:
        return repair.applied
    return incident.closed
