"""Whether recorded inputs are what their source says again."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from setpoint.domain.audited import Audited, counted
from setpoint.domain.incident import Incident
from setpoint.maintain.trust import LONGEST

CLEAN = float(np.log(10_000.0))  # how much likelier the newest audits must be without the fault than under it
ALLOWED = 0.02  # share of values that may differ where less did before


def clean_again(incident: Incident, audits: Sequence[Audited], now: datetime) -> tuple[bool | None, str]:
    """Return whether the columns that a hold is about are what their source says again, and why.

    Returns
    -------
    verdict : bool or None
        True: of each column the newest audits are 10,000 times likelier without the fault than under it.
        False: held for 28 days, which is too long to learn nothing. None: not known yet.
    """
    repair = incident.repair
    assert repair is not None
    assert repair.applied is not None
    if now - repair.applied > LONGEST:
        return False, f"inputs have differed from their source for {LONGEST.days} days"
    columns = repair.subject.split(", ")
    if min(_proof(name, incident, repair.applied, audits) for name in columns) < CLEAN:
        return None, f"too few audited values of {repair.subject} are what their source says"
    return True, f"the newest audited values of {repair.subject} are what their source says"


def _proof(name: str, incident: Incident, applied: datetime, audits: Sequence[Audited]) -> float:
    """Return how much likelier the newest audits of a column are without the fault, of as many as say most."""
    healthy = _share(name, [a for a in audits if a.until < incident.since])
    usual = max(healthy, ALLOWED)
    under = _share(name, [a for a in audits if incident.since <= a.until <= applied])
    if under <= usual:
        return 0.0
    proof, best = 0.0, 0.0
    for one in reversed([a for a in audits if a.since > applied]):
        differ, rows = counted([one], name)
        proof += differ * np.log(usual / under) + (rows - differ) * np.log((1 - usual) / (1 - under))
        best = max(best, float(proof))
    return best


def _share(name: str, audits: Sequence[Audited]) -> float:
    differ, rows = counted(audits, name)
    return (differ + 0.5) / (rows + 1)
