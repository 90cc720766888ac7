"""Whether outcomes can be trusted again."""

from datetime import datetime, timedelta

import numpy as np

from setpoint.domain.incident import Repair
from setpoint.domain.records import Records, stamp
from setpoint.domain.schema import Schema, Task
from setpoint.maintain.feed import late
from setpoint.maintain.labels import labels_of, spoiled

OUTCOMES = "outcomes"  # what is held: outcomes, else the rows of columns
ENOUGH, MOST = 60, 500  # outcomes since the hold, by arrival: half as many as came before it, within these
LONGEST = timedelta(days=28)


def sound_again(
    repair: Repair, healthy: Records, suspect: Records, schema: Schema, now: datetime, behind_s: float = 0.0
) -> tuple[bool | None, str]:
    """Return whether the newest outcomes are those of a sound feed, and why.

    Returns
    -------
    verdict : bool or None
        True: they come when they are due, and no way of spoiling explains the newest better, of half as many as came
        from the begin of the incident to the hold.
        False: held for 28 days, which is too long to learn nothing. None: not known yet.
    """
    assert repair.applied is not None
    if now - repair.applied > LONGEST:
        return False, f"outcomes could not be trusted for {LONGEST.days} days"
    step = late(healthy, suspect, behind_s)
    if step is not None and step.risen and step.still:
        return None, f"{step.since:.0%} of the outcomes that are due have not come"
    if schema.task is Task.MULTICLASS:  # only their delay can be judged
        return True, "the outcomes that are due have come"
    labels = labels_of(schema, healthy, suspect)
    if labels is None:
        return None, "too few outcomes"
    after = labels.known > stamp(repair.applied)
    need = int(np.clip((~after).sum() // 2, ENOUGH, MOST))
    if after.sum() < need:
        return None, f"{after.sum()} of {need} outcomes since"
    newest = np.argsort(labels.known, kind="stable")[-need:]
    worst = max(spoiled(labels, newest))
    if worst > 0:
        return None, f"spoiled outcomes explain the newest {need} better, by {worst:.1f} nats"
    return True, f"the newest {need} outcomes are as before: no way of spoiling explains them better"
