"""Whether outcomes can be trusted again."""

from datetime import datetime, timedelta

import numpy as np

from setpoint.domain.incident import Repair
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.maintain.feed import late
from setpoint.maintain.labels import FEWEST, gains_of_spoils, labels_of

SURELY = -3.0  # nats by which every way of spoiling must make the newest outcomes less likely
NEWEST = 60  # outcomes, by arrival
LONGEST = timedelta(days=28)


def sound_again(
    repair: Repair, healthy: Records, suspect: Records, schema: Schema, now: datetime
) -> tuple[bool | None, str]:
    """Return whether the newest outcomes are those of a sound feed, and why.

    Returns
    -------
    verdict : bool or None
        True: they come when they are due, and no way of spoiling them explains those that came since the repair.
        False: held for 28 days, which is too long to learn nothing. None: not known yet.
    """
    assert repair.applied is not None
    if now - repair.applied > LONGEST:
        return False, f"outcomes could not be trusted for {LONGEST.days} days"
    step = late(healthy, suspect)
    if step is not None and step.risen and step.still:
        return None, f"{step.since:.0%} of the outcomes that are due have not come"
    labels = labels_of(schema, healthy, suspect)
    if labels is None:
        return None, "too few outcomes"
    newest = np.argsort(labels.known, kind="stable")[-NEWEST:]
    came = labels.known[newest] > np.datetime64(repair.applied.replace(tzinfo=None), "us")
    if came.sum() < FEWEST:
        return None, f"{came.sum()} of {FEWEST} outcomes since"
    worst = max(float(gain[newest][came].sum()) * labels.worth for gain in gains_of_spoils(labels))
    if worst > SURELY:
        return None, "outcomes may still be spoiled"
    return (
        True,
        f"the newest {came.sum()} outcomes are as before: any spoiling makes them {-worst:.1f} nats less likely",
    )
