"""When what happens in a trial, and where its data come from."""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from sets import START

from setpoint.domain.records import moment

DATA = Path(__file__).parents[3] / "shared" / "datasets"
CACHE = Path(tempfile.gettempdir()) / "setpoint-faults-2"  # another name where what is kept there changes
BEFORE, UNDER, AFTER = 10, 7, 3  # days without, with, and after the fault
NONE = "none"
BEGINS = moment(START) + timedelta(days=BEFORE)
SOON = (6, 12, 24, 48, 72, 120, 24 * UNDER)  # hours under the fault at which is looked
LATER = (24, 24 * AFTER)  # and after it
EARLIER = (*range(96, 24 * BEFORE - 23, 48), 24 * BEFORE - 12, 24 * BEFORE)  # and from the start of the traffic on


@dataclass(frozen=True)
class Asked:
    """What a trial is, as it is named: everything else is drawn from its seed."""

    data: str
    kind: str  # a cause, or "none"; two at once: "unit+null"
    seed: int
    policy: str = "setpoint"

    @property
    def name(self) -> str:
        return f"{self.data}.{self.kind}.{self.seed}.{self.policy}"


def looks():
    """Return when is looked: before the fault, and from then on; soon after it more often."""
    later = [*(24 * BEFORE + h for h in SOON), *(24 * (BEFORE + UNDER) + h for h in LATER)]
    return tuple([START + np.timedelta64(h, "h") for h in part] for part in (EARLIER, later))
