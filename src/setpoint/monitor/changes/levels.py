"""Levels: new, vanished and renamed ones, and shares that moved."""

import math
from collections.abc import Mapping

import numpy as np

from setpoint.domain.value import replace
from setpoint.monitor.changes import shares
from setpoint.monitor.changes.values import NEW, SHARE, Change, Effect, Noise
from setpoint.stats.distances import expected_variation, pooled, total_variation
from setpoint.stats.intervals import share_low

SHOWN = 3  # levels a detail names
MATCHED = 0.8  # share of the rows in new levels that renaming must explain

Counts = Mapping[str, int]


def level_change(p: Counts, w: Counts, noise: Noise, column: str) -> Change | None:
    """Return how a column of levels changed, if it surely did; both count some rows."""
    effects = level_effects(p, w, noise)
    found = {effect.name: effect for effect in effects}
    sure = [effect for effect in effects if effect.sure]
    if not sure:
        return None
    best = max(sure, key=lambda each: each.low / each.floor)
    new, gone = _new(p, w), _gone(p, w, noise)
    names = _renamed(p, w, new, noise) if found["new_level"].sure else {}
    if names:
        kind, size, detail = "renamed", sum(w[level] for level in names) / sum(w.values()), _pairs(names)
    elif found["new_level"].sure:
        kind, size = "new_level", found["new_level"].size
        detail = f"{size:.1%} of rows hold levels that the reference has not: {_most(new)}"
    elif found["vanished_level"].sure:
        kind, size = "vanished_level", found["vanished_level"].size
        detail = f"levels with {size:.1%} of the reference's rows are gone: {_most(gone)}"
    else:
        kind, size = "frequency", found["frequency"].size
        detail = f"{size:.1%} of rows changed level (total variation): {_moved(p, w)}"
    return Change(
        column=column, kind=kind, effect=size, low=best.low, floor=best.floor, detail=detail, evidence=effects
    )


def level_effects(p: Counts, w: Counts, noise: Noise) -> tuple[Effect, ...]:
    """Measure the rows in new levels, in vanished ones, the total variation, and the share that moved most."""
    n, m = sum(w.values()), sum(p.values())
    once = sum(count == 1 for count in p.values())  # their share is what levels not yet met have (Good, 1953)
    new = shares.risen(sum(_new(p, w).values()), n, once, m, noise, name="new_level", floor=NEW)
    gone = sum(_gone(p, w, noise).values())
    vanished = shares.risen(gone, m, 0, n, noise, name="vanished_level", floor=NEW)
    a, b = pooled(dict(w), dict(p))
    return new, vanished, _variation(a, b, n, m, noise), _largest(p, w, noise)


def _variation(a: np.ndarray, b: np.ndarray, n: int, m: int, noise: Noise) -> Effect:
    distance, phi = float(total_variation(a, b)), noise.design.shares
    natural = expected_variation((a * n + b * m) / (n + m), n / phi, m / phi)
    low = distance - natural - noise.width("shares", n, m, 0.25)
    return Effect(name="frequency", size=distance, low=low, floor=SHARE)


def _largest(p: Counts, w: Counts, noise: Noise) -> Effect:
    """Return the move of one level's share that is surest to pass the floor, up or down."""
    n, m = sum(w.values()), sum(p.values())
    levels = sorted(set(p) | set(w))
    strict = replace(noise, alpha=noise.alpha / len(levels))
    best = Effect(name="share", size=0.0, low=-math.inf, floor=SHARE)
    for level in levels:
        pairs = (w.get(level, 0), n), (p.get(level, 0), m)
        (a, i), (b, j) = sorted(pairs, key=lambda pair: -pair[0] / pair[1])
        if a / i - b / j > SHARE:
            best = max(best, shares.risen(a, i, b, j, strict, name="share", floor=SHARE), key=lambda each: each.low)
    return best


def _new(p: Counts, w: Counts) -> dict[str, int]:
    return {level: count for level, count in w.items() if level not in p and count}


def _gone(p: Counts, w: Counts, noise: Noise) -> dict[str, int]:
    """Return levels of the reference that the window would surely hold, and does not."""
    n, m, phi = sum(w.values()), sum(p.values()), noise.design.shares
    absent = {level: count for level, count in p.items() if count and not w.get(level)}
    each = noise.alpha / max(len(p), 1)
    expected = {level: share_low(count / phi, m / phi, each) * n / phi for level, count in absent.items()}
    return {level: count for level, count in absent.items() if expected[level] > -math.log(each)}


def _renamed(p: Counts, w: Counts, new: Counts, noise: Noise) -> dict[str, str]:
    """Pair new levels with old ones that have the same text but for case and signs, or that went as they came."""
    n, m = sum(w.values()), sum(p.values())
    plain = {_plain(level): level for level in p}
    pairs = {level: plain[_plain(level)] for level in new if _plain(level) in plain}
    left = {level: count / m for level, count in _gone(p, w, noise).items() if level not in pairs.values()}
    for level in sorted(new, key=lambda v: (-new[v], v)):
        if level not in pairs and left:
            near = min(left, key=lambda old: (abs(left[old] - new[level] / n), old))
            a, b = new[level] / n, left[near]
            if abs(a - b) <= 2 * math.sqrt(noise.design.shares * a * (1 - a) * (1 / n + 1 / m)) + SHARE / 2:
                pairs[level] = near
                del left[near]
    explained = sum(new[level] for level in pairs) >= MATCHED * sum(new.values())
    return pairs if explained else {}


def _plain(level: str) -> str:
    return "".join(c for c in level.casefold() if c.isalnum()) or level


def _pairs(names: Mapping[str, str]) -> str:
    told = [f"{old!r} is now {new!r}" for new, old in list(names.items())[:SHOWN]]
    return ", ".join(told) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _most(counts: Counts) -> str:
    told = sorted(counts, key=lambda v: (-counts[v], v))
    return ", ".join(repr(level) for level in told[:SHOWN]) + (", …" if len(told) > SHOWN else "")


def _moved(p: Counts, w: Counts) -> str:
    n, m = sum(w.values()), sum(p.values())
    moves = {level: w.get(level, 0) / n - p.get(level, 0) / m for level in set(p) | set(w)}
    most = sorted(moves, key=lambda v: (-abs(moves[v]), v))[:SHOWN]
    return ", ".join(f"{v!r} {p.get(v, 0) / m:.1%} → {w.get(v, 0) / n:.1%}" for v in most)
