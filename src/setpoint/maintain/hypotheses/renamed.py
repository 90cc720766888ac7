"""Levels of a column are called otherwise: rows hold levels that healthy rows never had."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.incident import Cause, Incident
from setpoint.domain.records import Column
from setpoint.domain.schema import Feature, Kind
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.marks import Bools, rate_step
from setpoint.maintain.remedies import Proven, levels_repair
from setpoint.maintain.stretch import Stretch, stretch_of
from setpoint.maintain.together import Broken, together

SHOWN = 3  # new levels that are named


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain by the columns of levels in which unknown ones stepped up."""
    stretch = stretch_of(case)
    if stretch is None:
        return ()
    features = [f for f in case.schema.features if f.kind is Kind.CATEGORICAL and f.sensitive is None]

    def mend(found: Broken) -> Proven | None:
        return levels_repair(incident, case, stretch.after(found.step.onset), found.column, score)

    return together(Cause.RENAMED, [b for f in features if (b := broken(f, stretch)) is not None], mend)


def broken(feature: Feature, stretch: Stretch) -> Broken | None:
    """Return since when a column holds unknown levels, if it does so more than is natural for it."""
    known = stretch.known[feature.name]
    half = len(known) // 2
    reference = set(feature.levels)
    natural = unknown(known[half:], reference | set(known[:half]))  # new levels come by themselves, too
    marks = unknown(stretch.seen[feature.name], reference | set(known))
    step = rate_step(natural, marks)
    if not step.risen:
        return None
    levels, count = np.unique(stretch.seen[feature.name][marks].astype(str), return_counts=True)
    most = ", ".join(repr(str(level)) for level in levels[np.argsort(-count, kind="stable")][:SHOWN])
    words = (
        f"{step.since:.0%} of {feature.name} are levels never seen before ({most}) since {stretch.since(step.onset)}"
    )
    return Broken(feature.name, step, words)


def unknown(column: Column, levels: set[str]) -> Bools:
    """Return which values are given and none of the levels, shape (n,)."""
    return np.array([level is not None and level not in levels for level in column], dtype=bool)
