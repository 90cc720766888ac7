"""Realised quality of the segments: where an objective does not hold, and where it no longer does."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from setpoint.config.metrics import is_own, is_quality
from setpoint.domain.finding import Finding
from setpoint.domain.objective import Objective
from setpoint.domain.records import Records
from setpoint.domain.value import replace
from setpoint.monitor.quality import FEWEST_ROWS, SHARES, alpha_of, bound_in_words, in_window, judged, measured, numbers
from setpoint.monitor.seen import Seen
from setpoint.stats.intervals import t_quantile
from setpoint.stats.quality import Measured


def by_segment(seen: Seen) -> Iterator[Finding]:
    """Report the segments on which an objective surely does not hold, at the level that all segments share.

    The set point is that of all rows, and some segments are harder than others: one that is off it is a note. It alarms
    when it is surely worse than its own rows before the window, too.
    """
    goals = [o for o in seen.objectives if is_quality(o.metric) and not is_own(o.metric)]
    tests = 2 * len(goals) * sum(len(split.names(name)) for name, split in seen.segments.items())
    for objective in goals:
        rows = in_window(seen, objective)
        alpha = alpha_of(seen, objective, SHARES * tests)
        for column in seen.segments:
            yield from _of_column(seen, objective, rows, column, alpha)


def _of_column(seen: Seen, objective: Objective, rows: Records, column: str, alpha: float) -> Iterator[Finding]:
    if column not in rows.inputs:
        return
    split = seen.segments[column]
    before = _before(seen, objective)
    now, then = split.codes(rows.inputs[column]), split.codes(before.inputs[column])
    for at, name in enumerate(split.names(column)):
        own = rows.take(now == at)
        found = measured(seen, objective, own)
        if len(own) < FEWEST_ROWS or not found.known or objective.met_by(found.value):
            continue
        finding = judged(seen, objective, own, found, alpha)
        if finding.alarm:
            earlier = measured(seen, objective, before.take(then == at))
            worse = _surely_worse(found, earlier, alpha, higher_is_better=objective.higher_is_better)
            yield replace(finding, segment=name, alarm=worse, detail=_words(objective, name, found, earlier))


def _words(objective: Objective, segment: str, now: Measured, before: Measured) -> str:
    known = f", {before.value:.4g} before" if before.known else ""
    return f"{objective.name} {now.value:.4g} where {segment}{known}; set point of all {bound_in_words(objective)}"


def _before(seen: Seen, objective: Objective) -> Records:
    """Return the rows before an objective's window."""
    return numbers(seen.labelled.between(None, seen.now - timedelta(seconds=objective.window_s)))


def _surely_worse(now: Measured, before: Measured, alpha: float, *, higher_is_better: bool) -> bool:
    if not before.known:
        return False
    (se, freedom), (se_before, freedom_before) = now.error(), before.error()
    width = float(np.hypot(se, se_before)) * t_quantile(alpha, min(freedom, freedom_before))
    worse = before.value - now.value if higher_is_better else now.value - before.value
    return worse > width
