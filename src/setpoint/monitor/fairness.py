"""Gaps between the segments of a column: those that an objective bounds, and those that nobody has thought of."""

from collections.abc import Iterator

import numpy as np

from setpoint.config.metrics import FAIRNESS, GAPS, is_quality
from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records, moment
from setpoint.domain.schema import Task
from setpoint.monitor.quality import SHARES, alpha_of, measurable, numbers
from setpoint.monitor.seen import Seen
from setpoint.stats.fairness import Gap, floor_of, gap

UNSTATED_S = 28 * 86_400.0  # the window where no objective has one


def fairness(seen: Seen) -> Iterator[Finding]:
    """Report the declared gaps, and others that are surely above the floor or come half way to it.

    A gap that the reference has too was accepted with the model: an undeclared one alarms only above the upper bound of
    the reference's.
    """
    stated = declared(seen)
    unstated = [
        Objective(metric="fairness_gap", of=of, by=by, at_most=_limit(seen, of, by), window_s=_window_s(seen))
        for by in seen.segments
        for of in GAPS[seen.schema.task]
        if (of, by) not in {(o.of, o.by) for o in stated}
    ]
    for objective in (*stated, *unstated):
        alpha = alpha_of(seen, objective, SHARES * (len(stated) + len(unstated)))
        rows, found = measured_gap(seen, objective, alpha)
        if found is not None and (objective in stated or found.value >= objective.target / 2):
            yield _finding(seen, objective, rows, found, stated=objective in stated)


def declared(seen: Seen) -> list[Objective]:
    """Return the objectives that bound a gap."""
    return [o for o in seen.objectives if o.metric in FAIRNESS]


def measured_gap(seen: Seen, objective: Objective, alpha: float = 0.05) -> tuple[Records, Gap | None]:
    """Return the rows of a gap's window, and the gap; None where fewer than two segments have enough rows."""
    rows = measurable(seen.labelled, objective, seen.now)
    of, by = objective.of, objective.by
    if of is None or by is None or by not in seen.segments or by not in rows.inputs or not len(rows):
        return rows, None
    split = seen.segments[by]
    codes, names = split.codes(rows.inputs[by]), split.names(by)
    y, score = rows.outcome.astype(np.float64), rows.score.astype(np.float64)
    return rows, gap(of, y, score, codes, names, threshold=seen.threshold, alpha=alpha)


def _window_s(seen: Seen) -> float:
    return max((o.window_s for o in seen.objectives if is_quality(o.metric)), default=UNSTATED_S)


def _limit(seen: Seen, of: str, by: str) -> float:
    """Return what a gap may be that nobody declared: the floor, or what the reference's may be."""
    outcomes = numbers(seen.labelled).outcome.astype(np.float64)
    floor = floor_of(outcomes, numbers=seen.schema.task is Task.REGRESSION)
    of_reference = seen.reference_gaps.get((of, by))
    return floor if of_reference is None else max(floor, of_reference.high)


def _finding(seen: Seen, objective: Objective, rows: Records, found: Gap, *, stated: bool) -> Finding:
    top, bottom = found.rates[found.highest], found.rates[found.lowest]
    of_reference = seen.reference_gaps.get((objective.of or "", objective.by or ""))
    rates = (
        f"{top:.3g} where {found.highest}, {bottom:.3g} where {found.lowest}" if found.value else f"{top:.3g} in all"
    )
    known = "" if of_reference is None else f"; {of_reference.value:.3g} in the reference"
    return Finding(
        monitor="fairness",
        metric="fairness_gap" if stated else f"{objective.of}_gap",
        column=objective.by,
        segment=found.highest,
        since=moment(rows.time[0]),
        until=moment(rows.time[-1]),
        rows=found.rows,
        value=found.value,
        limit=objective.target,
        alarm=found.low > objective.target,
        low=found.low,
        high=found.high if np.isfinite(found.high) else None,
        detail=f"{objective.of} {rates}{known}",
    )
