"""The rows of a look, and those before it: for what single rows must tell."""

from dataclasses import dataclass

import numpy as np

from setpoint.domain.records import Records, joined
from setpoint.monitor.seen import SMALLEST_LOOK, Seen


@dataclass(frozen=True, slots=True)
class Micro:
    """Rows since the last look, and sound rows of the weeks before."""

    recent: Records
    baseline: Records


def micro(seen: Seen) -> Micro:
    """Return the rows of a look; one with fewer than `SMALLEST_LOOK` rows takes in the rows just before it."""
    recent, baseline = seen.recent, seen.baseline
    short = min(SMALLEST_LOOK - len(recent), len(baseline))
    if short <= 0:
        return Micro(recent, baseline)
    cut = len(baseline) - short
    return Micro(joined(baseline.take(np.arange(cut, len(baseline))), recent), baseline.take(np.arange(cut)))
