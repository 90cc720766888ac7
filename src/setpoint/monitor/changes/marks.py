"""Counts beside the bins: hours of the week of times, and trigrams of texts."""

import numpy as np

from setpoint.domain.profile import ColumnProfile
from setpoint.monitor.changes.values import SHARE, Change, Effect, Noise
from setpoint.stats.distances import expected_variation, total_variation

FORTNIGHT_S = 14 * 86_400.0  # a shorter window has not met each hour of the week often enough
HOURLY = 0.05  # floor: a holiday moves hours too


def hours(p: ColumnProfile, w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    """Tell whether times fall into other hours of the week; that time went on is no change."""
    if min(w.high - w.low, p.high - p.low) < FORTNIGHT_S:
        return None
    found = _moved(p, w, noise, HOURLY)
    detail = f"{found.size:.1%} of rows fall into other hours of the week"
    return _change(column, found, detail) if found.sure else None


def wording(p: ColumnProfile, w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    """Tell whether texts are made of other letters; a whole text counts as one row."""
    if not p.marks.sum() or not w.marks.sum():
        return None
    found = _moved(p, w, noise, SHARE)
    detail = f"{found.size:.1%} of the texts' letter triples are others"
    return _change(column, found, detail) if found.sure else None


def _moved(p: ColumnProfile, w: ColumnProfile, noise: Noise, floor: float) -> Effect:
    base, now = (each.marks / max(each.marks.sum(), 1) for each in (p, w))
    n, m, phi = w.filled, p.filled, noise.design.shares
    distance = float(total_variation(now, base))
    pooled = np.asarray((base * m + now * n) / (n + m), np.float64)
    natural = expected_variation(pooled, n / phi, m / phi)
    low = distance - natural - noise.width("shares", n, m, 0.25)
    return Effect(name="frequency", size=distance, low=low, floor=floor)


def _change(column: str, found: Effect, detail: str) -> Change:
    return Change(
        column=column, kind="frequency", effect=found.size, low=found.low, floor=found.floor, detail=detail,
        evidence=(found,),
    )  # fmt: skip
