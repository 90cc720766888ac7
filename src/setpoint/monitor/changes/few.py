"""Columns of few values, whether numbers, booleans or levels: what changes is how often each occurs."""

import math
from collections.abc import Sequence

from setpoint.domain.profile import ColumnProfile, Counted
from setpoint.domain.value import replace
from setpoint.monitor.changes import shares
from setpoint.monitor.changes.curves import curve_of
from setpoint.monitor.changes.levels import level_change, level_effects
from setpoint.monitor.changes.maps import unit_of
from setpoint.monitor.changes.numbers import USUAL, outside_change
from setpoint.monitor.changes.values import Change, Effect, Noise

FEW = 16  # different numbers at most of a column whose values are counted as levels
TOLD = 3  # different values of the reference from which a map is more than a coincidence
SEEN = 5  # times each of them occurs on average, at least: else they are merely few rows


def categories(p: ColumnProfile, w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    """Return how levels changed."""
    before, now = p.every_level, w.every_level
    stuck = _stuck(before, now, w, noise, column)
    return stuck or level_change(before, now, noise, column)


def few_values(p: ColumnProfile) -> tuple[str, ...]:
    """Return the names of the values of a column of few numbers, one an inner bin; none if it has many."""
    if p.cuts.kind == Counted.BOOLEAN:
        return ("false", "true")
    values = p.cuts.edges[1:]
    few = 0 < len(values) <= FEW and p.filled >= SEEN * len(values)
    return tuple(f"{v:g}" for v in values) if few else ()


def few_change(p: ColumnProfile, w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    """Return how a column of few numbers changed: its unit, values outside the reference, or how often each occurs."""
    names = few_values(p)
    before, now = _counts(p, names), _counts(w, names)
    stuck = _stuck(before, now, w, noise, column)
    if stuck or p.cuts.kind == Counted.BOOLEAN:
        return stuck or _frequency(level_change(before, now, noise, column))
    beyond = shares.outside(p, w, noise)
    if not sum(now.values()):
        return outside_change(p, w, beyond, column) if beyond.sure else None
    if not beyond.sure:
        known = sum(before.values()) and sum(now.values())
        return _frequency(level_change(before, now, noise, column)) if known else None
    usual = USUAL * math.sqrt(noise.design.shares * (1 / w.filled + 1 / p.filled))
    told = w.finite and sum(map(bool, before.values())) >= TOLD
    unit = unit_of(p, w, curve_of(p, steps=True), curve_of(w, steps=True), usual) if told else None
    if unit is None:
        return outside_change(p, w, beyond, column)
    found = outside_change(p, w, beyond, column)
    return replace(found, kind="unit", effect=unit.factor, detail=f"{unit}")


def few_effects(p: ColumnProfile, w: ColumnProfile, noise: Noise) -> tuple[Effect, ...]:
    """Measure how often each value occurs, and the share outside the reference."""
    names = few_values(p)
    before, now = _counts(p, names), _counts(w, names)
    found = level_effects(before, now, noise) if sum(now.values()) else ()
    return found if p.cuts.kind == Counted.BOOLEAN else (*found, shares.outside(p, w, noise))


def _counts(p: ColumnProfile, names: Sequence[str]) -> dict[str, int]:
    """Return rows by value, without those outside the reference."""
    inner = p.bins if p.cuts.kind == Counted.BOOLEAN else p.bins[1:-1]
    return dict(zip(names, inner.tolist(), strict=True))


def _frequency(change: Change | None) -> Change | None:
    """A value of few that is gone is one that has become rare."""
    return replace(change, kind="frequency") if change and change.kind == "vanished_level" else change


def _stuck(before: dict[str, int], now: dict[str, int], w: ColumnProfile, noise: Noise, column: str) -> Change | None:
    held = max(now, key=lambda level: now[level], default="")
    if not held or now[held] < w.filled or held not in before or sum(map(bool, before.values())) < 2:
        return None
    return shares.frozen(before[held] / sum(before.values()), w, noise, column, repr(held))
