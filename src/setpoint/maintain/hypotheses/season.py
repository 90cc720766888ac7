"""A column moves on along the way it was going, or is what it was at this time of the week: season, not a step."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.incident import Cause, Incident
from setpoint.domain.records import Column
from setpoint.domain.value import value
from setpoint.maintain.carried import carried
from setpoint.maintain.case import Case, Score
from setpoint.maintain.drift import loss_rise, moved
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.hypotheses.covariate import HELD, HOLDS, subject_of
from setpoint.maintain.loss import Floats, independent_rows
from setpoint.maintain.waiting import wait

FEWEST_DAYS = 10
WITHIN = 2.0  # standard errors of a day about the healthy trend
SUPPORT = 4.0
SLOT_H, SLOTS = 6, 28  # hours that are compared with the same of earlier weeks; so many are a week
FEWEST = 12  # rows of a slot


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain drift of columns that stay on the trend of the healthy days, or repeat the weeks before; the loss holds.

    Each column that moved must do one of the two. How much likelier it is that a column moves so than that it stepped
    adds to what speaks for other requests at all, see `covariate`.
    """
    inputs = moved(incident, case.schema)
    columns = sorted({str(f.column) for f in inputs})
    rise = loss_rise(case)
    if not columns or rise is None or rise.mean >= HOLDS:
        return ()
    found = [_best(case, name) for name in columns]
    if any(one is None for one in found):
        return ()
    ratio, words = min(one for one in found if one is not None)
    on_the_way = ratio > 0
    said = f"{words}; loss {rise.mean:+.0%}"
    along = carried(case, subject_of(incident, inputs))  # so they do where other requests come for good
    return (
        Explanation(
            cause=Cause.SEASON,
            subject=incident.subject,
            support=ratio + HELD + (along.support if along is not None else 0.0),
            evidence=(said, *((along.words,) if along is not None else ())),
            repair=wait(incident, said) if on_the_way else None,
        ),
    )


def _best(case: Case, name: str) -> tuple[float, str] | None:
    """Return how much likelier a column's values are as a season (nats), in the better of two ways, and in words."""
    known, seen = as_numbers(case.healthy.inputs[name], case.suspect.inputs[name])
    off, again = trend_error(case, known, seen), weekly(case, known, seen)
    found = []
    if off is not None:
        on_trend = SUPPORT if abs(off) < WITHIN else -SUPPORT
        found.append((on_trend, f"{name}: {abs(off):.1f} standard errors from the trend of the weeks before"))
    if again is not None:
        found.append((again[0], f"{name} {again[1]}"))
    return max(found, default=None)


def as_numbers(known: Column, seen: Column) -> tuple[Floats, Floats]:
    """Return numbers as they are; of levels, whether it is the one whose share moved most."""
    if known.dtype != object:
        return known.astype(np.float64), seen.astype(np.float64)
    (a, b), levels = (c.astype(str) for c in (known, seen)), np.unique(np.concatenate([known, seen]).astype(str))
    moves = [abs(float((a == level).mean() - (b == level).mean())) for level in levels]
    most = levels[int(np.argmax(moves))]
    return (a == most).astype(np.float64), (b == most).astype(np.float64)


def trend_error(case: Case, known: Floats, seen: Floats) -> float | None:
    """Return how far the suspect days lie from the line through the healthy days, in standard errors of one day."""
    days, means = daily(case.healthy.time, known)
    later, values = daily(case.suspect.time, seen)
    if len(days) < FEWEST_DAYS or not len(later):
        return None
    line = np.polynomial.Polynomial.fit(days, means, 1)
    spread = float(np.std(means - line(days), ddof=2)) or 1.0
    return float((values - line(later)).mean() / spread)


def daily(times: Column, values: Floats) -> tuple[Floats, Floats]:
    """Return days since the epoch and the mean of each, without missing values."""
    filled = ~np.isnan(values)
    days, where = np.unique(times[filled].astype("datetime64[D]").astype(np.float64), return_inverse=True)
    return days, np.bincount(where, weights=values[filled], minlength=len(days)) / np.bincount(
        where, minlength=len(days)
    )


@value
class Slots:
    """Mean and number of the rows of each part of the week, shape (SLOTS,)."""

    mean: Floats
    count: Floats


def slots(times: Column, values: Floats) -> Slots:
    """Return the parts of the week, without missing values."""
    filled = ~np.isnan(values)
    at = times[filled].astype("datetime64[h]").astype(np.int64) // SLOT_H % SLOTS
    count = np.bincount(at, minlength=SLOTS)
    return Slots(mean=np.bincount(at, values[filled], SLOTS) / np.maximum(count, 1), count=count.astype(np.float64))


def weekly(case: Case, known: Floats, seen: Floats) -> tuple[float, str] | None:
    """Return how much likelier the suspect hours are as those of earlier weeks than as a step to a new level (nats).

    Of the step the level is not known: it is normal about the healthy mean, with the spread of the column.
    """
    before, now = slots(case.healthy.time, known), slots(case.suspect.time, seen)
    phases = np.flatnonzero((before.count >= FEWEST) & (now.count >= FEWEST))
    if not len(phases):
        return None
    spread = float(np.nanstd(known)) or 1.0
    each = spread**2 * len(known) / independent_rows(np.nan_to_num(known, nan=float(np.nanmean(known))))
    as_before = now.mean[phases] - before.mean[phases]
    error = each * (1 / now.count[phases] + 1 / before.count[phases])
    season = -0.5 * float((np.square(as_before) / error + np.log(error)).sum())
    apart = now.mean[phases] - float(np.nanmean(known))
    step = _of_a_level(apart, each / now.count[phases], spread**2)
    ratio = float(np.clip(season - step, -SUPPORT, SUPPORT))
    off = float(np.sqrt(np.square(as_before).mean()) / spread)
    return ratio, f"is {off:.2f} deviations from what it was at the same hours of the weeks before"


def _of_a_level(values: Floats, error: Floats, level: float) -> float:
    """Return the log density of values about one unknown level, up to the same constant for all."""
    weight = 1 / error
    total = float(weight.sum() + 1 / level)
    squares = float((np.square(values) * weight).sum() - float((values * weight).sum()) ** 2 / total)
    return -0.5 * (squares + float(np.log(error).sum() + np.log(level * total)))
