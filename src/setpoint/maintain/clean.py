"""Whether recorded inputs are what their source says again."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from setpoint.domain.audited import Audited, counted
from setpoint.domain.incident import Incident
from setpoint.maintain.hypotheses.skew import MONITOR
from setpoint.maintain.trust import LONGEST

CLEAN = float(np.log(10_000.0))  # how much likelier the newest audits must be without the fault than under it
ALLOWED = 0.02  # share of values that may differ where less did before
HALF = 0.5
MOST_DIFFER = 0.98  # share of values that is taken for all of them


def clean_again(incident: Incident, audits: Sequence[Audited]) -> tuple[bool, str]:
    """Return whether the columns of a hold or a repair are what their source says again, and why.

    Of each column the newest audits must be 10,000 times likelier without the fault than under it.
    """
    repair = incident.repair
    assert repair is not None
    assert repair.applied is not None
    columns = repair.subject.split(", ")
    if min(_proof(name, incident, repair.applied, audits) for name in columns) < CLEAN:
        return False, f"too few audited values of {repair.subject} are what their source says"
    return True, f"the newest audited values of {repair.subject} are what their source says"


def trusted_again(incident: Incident, audits: Sequence[Audited], now: datetime) -> tuple[bool | None, str]:
    """Return whether the rows that a hold is about can be learnt from again, and why.

    Returns
    -------
    verdict : bool or None
        True: audits are clean again. False: held for 28 days, which is too long to learn nothing. None: not known yet.
    """
    repair = incident.repair
    assert repair is not None
    assert repair.applied is not None
    clean, why = clean_again(incident, audits)
    if clean:
        return True, why
    if now - repair.applied > LONGEST:
        return False, f"inputs have differed from their source for {LONGEST.days} days"
    return None, why


def _proof(name: str, incident: Incident, applied: datetime, audits: Sequence[Audited]) -> float:
    """Return how much likelier the newest audits of a column are without the fault, of as many as say most.

    What it was before and under the fault is in the finding where the audits of then are no longer kept. A fault of
    nearly all values may go on in half of them.
    """
    found = next((f for f in reversed(incident.findings) if (f.monitor, f.column) == (MONITOR, name)), None)
    before, then = (found.limit, found.value) if found else (ALLOWED, MOST_DIFFER)
    usual = max(_share(name, [a for a in audits if a.until < incident.since], before), ALLOWED)
    under = _share(name, [a for a in audits if incident.since <= a.until <= applied], then)
    if under <= usual:
        return 0.0
    differ, rows, best = 0, 0, 0.0
    for one in reversed([a for a in audits if a.since > applied and name in a.columns]):
        differ, rows = differ + counted([one], name)[0], rows + one.rows
        fault = np.clip(differ / rows, min(under, HALF), under)
        best = max(best, differ * np.log(usual / fault) + (rows - differ) * np.log((1 - usual) / (1 - fault)))
    return best


def _share(name: str, audits: Sequence[Audited], otherwise: float) -> float:
    differ, rows = counted(audits, name)
    return (differ + 0.5) / (rows + 1) if rows else min(otherwise, MOST_DIFFER)
