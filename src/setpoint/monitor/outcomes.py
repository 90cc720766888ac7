"""What became of the outcomes: their level moved (prior), or they relate to the score in another way (concept)."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from setpoint.domain.finding import Finding
from setpoint.domain.records import Records, moment
from setpoint.domain.schema import Task
from setpoint.monitor.relation import FEWEST, FLOOR, Labelled, concept
from setpoint.monitor.seen import Seen
from setpoint.stats.intervals import block_se, t_quantile

WEEK = timedelta(days=7)
SHARE_FLOOR = 0.02  # of a share
LEVEL_FLOOR = 0.05  # of the outcomes' deviation before


def outcomes(seen: Seen) -> Iterator[Finding]:
    """Compare the outcomes of the last week with those of the weeks before: notes that tell why quality fell.

    Where only the share of outcomes moved, the odds at each score moved by one factor: that is `prior`, and a
    recalibration mends it. What is left then is `concept`: the model's own relation no longer holds.
    """
    now = _numbers(seen.labelled.between(seen.now - WEEK, None))
    before = _numbers(seen.labelled.between(None, seen.now - WEEK))
    if min(len(now), len(before)) < FEWEST:
        return
    alpha = seen.level(4, seen.separate(WEEK))
    prior = _prior(seen, before, now, alpha)
    yield prior
    yield _concept(seen, before, now, alpha, prior=prior.alarm)


def _numbers(rows: Records) -> Records:
    return rows.take(np.isfinite(rows.score.astype(np.float64)) & np.isfinite(rows.outcome.astype(np.float64)))


def _prior(seen: Seen, before: Records, now: Records, alpha: float) -> Finding:
    """Compare the means of outcomes, as far as days that move by themselves allow."""
    then, late = (rows.outcome.astype(np.float64) for rows in (before, now))
    (se_then, freedom), (se_late, few) = block_se(then), block_se(late)
    effect = float(late.mean() - then.mean())
    width = float(np.hypot(se_then, se_late)) * t_quantile(alpha, min(freedom, few))
    floor = SHARE_FLOOR if seen.schema.task is Task.BINARY else LEVEL_FLOOR * float(then.std())
    detail = f"mean outcome {then.mean():.4g} → {late.mean():.4g} in the last week; ± {width:.3g} is natural"
    return _finding(seen, now, "prior", abs(effect), width, floor, detail)


def _concept(seen: Seen, before: Records, now: Records, alpha: float, *, prior: bool) -> Finding:
    reference, current = (Labelled(r.outcome.astype(np.float64), r.score.astype(np.float64)) for r in (before, now))
    found = concept(reference, current, 2 * alpha, prior=prior)
    unit = "in its share" if seen.schema.task is Task.BINARY else "deviations of the error"
    detail = f"at equal score the outcome differs by up to {found.size:.2g} {unit} from the weeks before"
    return _finding(seen, now, "concept", found.size, found.size - found.low, FLOOR, detail)


def _finding(seen: Seen, now: Records, kind: str, effect: float, width: float, floor: float, detail: str) -> Finding:
    return Finding(
        monitor="outcomes",
        metric=kind,
        kind=kind,
        column=seen.schema.target,
        since=moment(now.time[0]),
        until=seen.now,
        rows=len(now),
        value=effect,
        limit=floor + width,
        alarm=bool(effect - width > floor),
        low=effect - width,
        high=effect + width,
        detail=detail,
    )
