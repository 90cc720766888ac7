"""What the explanations without a fault share: whether quality fell, and whether the inputs moved."""

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.domain.incident import Incident
from setpoint.domain.records import Column, Records
from setpoint.domain.schema import Schema
from setpoint.maintain.case import Case, latest
from setpoint.maintain.loss import Floats, Mean, losses_of, mean_of

FEWEST = 12  # labelled rows
PER_HOUR = 3  # healthy rows an hour of the day needs to have a level of its own
# no change of the world makes these
BROKEN = ("null_rate", "unseen_category", "refused", "stuck", "repeated_value", "off_grid")


def moved(incident: Incident, schema: Schema) -> list[Finding]:
    """Return the alarms about inputs, without those that only a data fault raises."""
    found = alarms(incident, "drift", "data_quality")
    return [f for f in found if f.column in schema.names and f.metric not in BROKEN]


def broken(incident: Incident) -> list[Finding]:
    """Return the alarms that only a data fault raises."""
    return [f for f in alarms(incident, "data_quality") if f.metric in BROKEN]


def alarms(incident: Incident, *monitors: str) -> list[Finding]:
    """Return the alarms of the named monitors."""
    return [f for f in incident.findings if f.alarm and f.monitor in monitors]


def hourly_levels(healthy: Records, loss: Floats, times: Column) -> Floats:
    """Return the mean healthy loss at the hour of the day of each time, shape (n,)."""
    hours, wanted = (t.astype("datetime64[h]").astype(np.int64) % 24 for t in (healthy.time, times))
    count = np.bincount(hours, minlength=24)
    total = np.bincount(hours, weights=loss, minlength=24)
    level = np.where(count >= PER_HOUR, total / np.maximum(count, 1), loss.mean())
    return np.asarray(level[wanted])


def loss_rise(case: Case) -> Mean | None:
    """Return how far the loss rose above the healthy one of the same hours, in healthy mean losses.

    None with too few labelled rows.
    """
    before, since = latest(case.healthy.labelled), latest(case.suspect.labelled)
    if len(before) < FEWEST or len(since) < FEWEST:
        return None
    base, now = (losses_of(rows, case.schema.task) for rows in (before, since))
    return mean_of((now - hourly_levels(before, base, since.time)) / base.mean())
