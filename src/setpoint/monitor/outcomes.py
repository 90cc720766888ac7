"""What became of the outcomes: their level moved (prior), or they relate to the score in another way (concept)."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Records, moment
from setpoint.domain.schema import Schema, Task
from setpoint.monitor.relation import FEWEST, FLOOR, Labelled, concept
from setpoint.monitor.seen import Seen
from setpoint.stats.intervals import block_se, t_quantile

FloatArray = NDArray[np.float64]

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
    """Compare the means of outcomes, as far as days that move by themselves allow.

    Of several classes the share of each is compared, and that one told which has moved most surely.
    """
    pairs = _levels(before, now, seen.schema)
    found = [(name, *_moved(then, late, alpha / len(pairs))) for name, (then, late) in pairs.items()]
    name, effect, width = max(found, key=lambda one: abs(one[1]) - one[2])
    then, late = pairs[name]
    floor = LEVEL_FLOOR * float(then.std()) if seen.schema.task is Task.REGRESSION else SHARE_FLOOR
    detail = f"{name} {then.mean():.4g} → {late.mean():.4g} in the last week; ± {width:.3g} is natural"
    return _finding(seen, now, "prior", abs(effect), width, floor, detail)


def _levels(before: Records, now: Records, schema: Schema) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return what should keep its mean, before and now."""
    if before.classes is None or now.classes is None:
        return {"mean outcome": (before.outcome.astype(np.float64), now.outcome.astype(np.float64))}
    truths = before.classes.truth, now.classes.truth
    return {
        f"share of {label!r}": (1.0 * (truths[0] == place), 1.0 * (truths[1] == place))
        for place, label in enumerate(schema.classes)
    }


def _moved(then: FloatArray, late: FloatArray, alpha: float) -> tuple[float, float]:
    """Return how far a mean has moved, and how far it moves by itself."""
    (se_then, freedom), (se_late, few) = block_se(then), block_se(late)
    return float(late.mean() - then.mean()), float(np.hypot(se_then, se_late)) * t_quantile(alpha, min(freedom, few))


def _concept(seen: Seen, before: Records, now: Records, alpha: float, *, prior: bool) -> Finding:
    reference, current = (Labelled(r.outcome.astype(np.float64), r.score.astype(np.float64)) for r in (before, now))
    found = concept(reference, current, 2 * alpha, prior=prior)
    unit = "deviations of the error" if seen.schema.task is Task.REGRESSION else "in its share"
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
