"""Levels that are called otherwise, read by their old names: those that are spelled alike, and those as frequent."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import numpy as np

from setpoint.domain.feature_map import FeatureMap, Levels
from setpoint.domain.incident import Incident
from setpoint.domain.records import Column, Records
from setpoint.domain.schema import Feature, Kind
from setpoint.domain.value import value
from setpoint.maintain.case import Case, Score, as_seen, latest
from setpoint.maintain.loss import independent_rows
from setpoint.maintain.remedies.proof import Proven, fitting, repairable

NEAR = 3.0  # standard errors within which a new level is as frequent as an old one was
APART = 3.0  # standard errors between two old levels that frequency tells apart
IN_ORDER = 3  # differences in frequency by which it is no accident that new levels follow the order of the old ones


@value
class Share:
    """The share of one level among healthy rows, the share it lost since, and the standard error of a share like it."""

    level: str
    lost: float
    error: float


def levels_repair(incident: Incident, case: Case, rows: Records, column: str, score: Score) -> Proven | None:
    """Return the repair that reads new levels of a column by their old names.

    A new level is an old one where both are spelled alike, but for case, accents, spaces and quotes; else where it
    comes as often as the old one no longer does, and no other could be meant. What is left is missing for the model
    where the column may be missing, and no contract lists its levels; else it stays as it is sent.
    """
    features = repairable(case, [column])
    if features is None or features[0].kind is not Kind.CATEGORICAL:
        return None
    before = as_seen(latest(case.healthy), case.maps)[column]
    levels = matched(features[0], before, as_seen(rows, case.maps)[column])
    if not (levels.expected or levels.known):
        return None
    return fitting(incident, case, score, rows, FeatureMap(id=incident.named(".levels"), feature=column, levels=levels))


def matched(feature: Feature, healthy: Column, since: Column) -> Levels:
    """Return which new levels are which old ones, from the values of healthy rows and of those since the fault."""
    old, new = _counted(healthy), _counted(since)
    known = sorted({*old, *feature.levels})
    unseen = [level for level, _ in new.most_common() if level not in known]
    alike = _alike(unseen, known)
    left = [level for level in unseen if level not in alike]
    gone = [s for s in _lost(healthy, since, old, new) if s.level not in alike.values()]
    frequent = _in_order(left, gone, new, len(since)) or _as_frequent(left, gone, new, len(since))
    ruled = feature.contract is not None and bool(feature.contract.levels)
    open_ = bool(unseen) and feature.nullable and not ruled
    share = sum(new[level] for level in unseen) / max(len(since), 1)
    return Levels(expected=alike | frequent, known=tuple(known) if open_ else (), share=share)


def plain(level: str) -> str:
    """Return a level without case, accents, spaces and quotes; a number as it is counted.

    A sign may be all that tells two levels apart (`A-` and `A`, `<18` and `>18`); a dash between letters is a space.
    """
    bare = unicodedata.normalize("NFKD", level).casefold()
    try:
        return repr(float(bare)) if "_" not in bare else _bare(bare)
    except ValueError:
        return _bare(bare)


def _bare(level: str) -> str:
    kept = re.sub(r"(?<=[^\W\d])[-./](?=[^\W\d])", "", level)
    return "".join(c for c in kept if not (c.isspace() or unicodedata.combining(c) or c in "_'\"`"))


def _counted(column: Column) -> Counter[str]:
    return Counter(v for v in column.tolist() if v is not None)


def _alike(unseen: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Return the new levels that only one old one is spelled like, and that no other new one is."""
    spelled: dict[str, list[str]] = {}
    for level in known:
        spelled.setdefault(plain(level), []).append(level)
    often = Counter(plain(level) for level in unseen)
    return {
        level: spelled[plain(level)][0]
        for level in unseen
        if plain(level) and len(spelled.get(plain(level), ())) == 1 and often[plain(level)] == 1
    }


def _lost(healthy: Column, since: Column, old: Counter[str], new: Counter[str]) -> list[Share]:
    """Return the old levels that surely come less often, the largest loss first."""
    n, m = len(healthy), len(since)
    found = []
    for level, count in old.items():
        p = count / n
        worth = independent_rows((healthy == level).astype(np.float64)) / n  # levels come in runs
        error = sqrt(p * (1 - p) * (1 / n + 1 / m) / worth)
        found.append(Share(level=level, lost=p - new[level] / m, error=max(error, 1 / m)))
    return sorted((s for s in found if s.lost > NEAR * s.error), key=lambda s: (-s.lost, s.level))


def _as_frequent(unseen: Sequence[str], gone: Sequence[Share], new: Counter[str], rows: int) -> dict[str, str]:
    """Return the new levels that come as often as one old one no longer does, both taken by their frequency."""
    if len(unseen) > len(gone):
        return {}
    pairs = list(zip(unseen, gone, strict=False))
    near = {u: s.level for u, s in pairs if _near(new[u] / rows, s)}
    mixed = {s.level for a, b in pairwise(gone) if not _apart(a, b) for s in (a, b)}
    return {u: level for u, level in near.items() if level not in mixed}


def _in_order(unseen: Sequence[str], gone: Sequence[Share], new: Counter[str], rows: int) -> dict[str, str]:
    """Return the new levels by the order of their names, where their frequencies agree with that."""
    if len(unseen) != len(gone) or sum(_apart(a, b) for a, b in pairwise(gone)) < IN_ORDER:
        return {}
    pairs = list(zip(sorted(unseen), sorted(gone, key=lambda s: s.level), strict=True))
    return {u: s.level for u, s in pairs} if all(_near(new[u] / rows, s) for u, s in pairs) else {}


def _apart(a: Share, b: Share) -> bool:
    return a.lost - b.lost > APART * max(a.error, b.error)


def _near(share: float, gone: Share) -> bool:
    return abs(share - gone.lost) < NEAR * gone.error
