"""A column moves on along the way it was going: season, not a step."""

from collections.abc import Sequence

import numpy as np

from setpoint.domain.incident import Cause, Incident
from setpoint.domain.records import Column
from setpoint.domain.schema import Kind
from setpoint.maintain.case import Case, Score, latest
from setpoint.maintain.drift import loss_rise, moved
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.hypotheses.covariate import HOLDS
from setpoint.maintain.loss import Floats
from setpoint.maintain.waiting import wait

FEWEST_DAYS = 10
WITHIN = 2.0  # standard errors of a day about the healthy trend
SUPPORT = 4.0


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain drift of a column whose days stay on the trend of the healthy days, while the realised loss holds."""
    columns = sorted({str(f.column) for f in moved(incident, case.schema)} & numeric(case))
    rise = loss_rise(case)
    if not columns or rise is None or rise.mean >= HOLDS:
        return ()
    off = [trend_error(case, name) for name in columns]
    if any(o is None for o in off):
        return ()
    furthest = max(abs(o) for o in off if o is not None)
    words = (
        f"{', '.join(columns)}: {furthest:.1f} standard errors from the trend of the weeks before; "
        f"loss {rise.mean:+.0%}",
    )
    on_trend = furthest < WITHIN
    return (
        Explanation(
            cause=Cause.SEASON,
            subject=incident.subject,
            support=SUPPORT if on_trend else -SUPPORT,
            evidence=words,
            repair=wait(incident, words[0]) if on_trend else None,
        ),
    )


def numeric(case: Case) -> set[str]:
    """Return the names of the numeric features."""
    return {f.name for f in case.schema.features if f.kind is Kind.NUMERIC}


def trend_error(case: Case, name: str) -> float | None:
    """Return how far the suspect days lie from the line through the healthy days, in standard errors of one day."""
    healthy, suspect = latest(case.healthy), latest(case.suspect)
    days, means = daily(healthy.time, healthy.inputs[name])
    later, values = daily(suspect.time, suspect.inputs[name])
    if len(days) < FEWEST_DAYS or not len(later):
        return None
    line = np.polynomial.Polynomial.fit(days, means, 1)
    spread = float(np.std(means - line(days), ddof=2)) or 1.0
    return float((values - line(later)).mean() / spread)


def daily(times: Column, values: Column) -> tuple[Floats, Floats]:
    """Return days since the epoch and the mean of each, without missing values."""
    filled = ~np.isnan(values)
    days, where = np.unique(times[filled].astype("datetime64[D]").astype(np.float64), return_inverse=True)
    return days, np.bincount(where, weights=values[filled], minlength=len(days)) / np.bincount(
        where, minlength=len(days)
    )
