"""Two columns that exchanged their values."""

import math
from collections.abc import Mapping
from itertools import combinations

from setpoint.domain.profile import ColumnProfile, Counted
from setpoint.domain.value import replace
from setpoint.monitor.changes.curves import curve_of, gap
from setpoint.monitor.changes.numbers import USUAL
from setpoint.monitor.changes.values import Change, Noise
from setpoint.stats.distances import expected_variation, pooled, total_variation

NEAR = 0.03  # share of rows by which each may differ from the other's reference, beyond sampling
MEAN, SPREAD = 0.1, 0.5  # deviations between means and log of the ratio of deviations: tails make these restless
NEVER = ("missing", "type", "extra", "frozen")
Profiles = Mapping[str, ColumnProfile]


def swapped(
    changes: Mapping[str, Change], reference: Profiles, window: Profiles, noise: Mapping[str, Noise]
) -> dict[str, Change]:
    """Return the changes of those columns each of which now looks as the other one did, named so."""
    found: dict[str, Change] = {}
    names = [name for name, change in changes.items() if change.kind not in NEVER]
    for a, b in combinations(names, 2):
        if a not in found and b not in found and _exchanged(a, b, reference, window, noise):
            found[a], found[b] = (_named(changes[x], y) for x, y in ((a, b), (b, a)))
    return found


def _named(change: Change, other: str) -> Change:
    return replace(change, kind="swapped", detail=f"it holds what {other} held, and {other} what it held")


def _exchanged(a: str, b: str, reference: Profiles, window: Profiles, noise: Mapping[str, Noise]) -> bool:
    limit = NEAR + USUAL * math.sqrt(
        max(noise[x].design.shape for x in (a, b)) * max(1 / window[x].rows + 1 / reference[x].rows for x in (a, b))
    )
    return all(_alike(window[x], reference[y], limit) for x, y in ((a, b), (b, a)))


def _alike(w: ColumnProfile, p: ColumnProfile, limit: float) -> bool:
    """Whether a window of one column has the distribution of another's reference, whatever their cuts."""
    if w.cuts.kind != p.cuts.kind or abs(w.nulls / w.rows - p.nulls / p.rows) > limit:
        return False
    match w.cuts.kind:
        case Counted.CATEGORICAL:
            x, y = pooled(w.every_level, p.every_level)
            return float(total_variation(x, y)) - expected_variation(y, w.filled, p.filled) < limit
        case Counted.NUMERIC:
            if not w.finite or not p.finite or not p.std:
                return False
            near = abs(w.mean - p.mean) < (MEAN + limit) * p.std and abs(math.log(max(w.std, 1e-300) / p.std)) < SPREAD
            return near and gap(curve_of(w), curve_of(p)) < limit
        case _:
            return False
