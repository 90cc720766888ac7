"""A column stands still: one value comes again and again where healthy rows change."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from setpoint.domain.feature_map import Sign
from setpoint.domain.incident import Cause, Incident
from setpoint.domain.records import Column
from setpoint.domain.schema import Kind
from setpoint.domain.value import replace
from setpoint.maintain.case import Case, Score
from setpoint.maintain.explanation import Explanation
from setpoint.maintain.joint import Joint, fit_joint
from setpoint.maintain.marks import Bools, Step, rate_step
from setpoint.maintain.remedies import Proven, impute_repair
from setpoint.maintain.stretch import Stretch, stretch_of
from setpoint.maintain.together import Broken, together
from setpoint.stats.returns import natural_share, returning

FEWEST = 6  # rows of one value
MOVED = 0.6  # of the healthy spread of what the other columns foretell
LONGER = 2.5  # times what healthy rows show, up to which runs and shares are natural
GROWS = timedelta(days=3)
MANY = 400  # rows
STRETCHES = 8  # of healthy rows, at least, that tell how a share moves by itself
SHARE = 0.02  # of rows by which a value must come more often than is natural


def explain(incident: Incident, case: Case, score: Score) -> Sequence[Explanation]:
    """Explain by the columns that repeat one value, without a break or among others."""
    stretch = stretch_of(case)
    if stretch is None:
        return ()
    joint = fit_joint(stretch.known, case.schema)
    earlier = before_it_grew(stretch)
    numbers = [f.name for f in case.schema.features if f.kind is Kind.NUMERIC]
    put_in = {m.feature for m in case.maps if m.instead is not None}  # a constant that we send is no fault
    found = []

    def mend(broken: Broken) -> Proven | None:
        return impute_repair(incident, case, stretch.after(broken.step.onset), broken.column, score, Sign.HELD)

    for name in [n for n in numbers if n not in put_in]:
        known, seen = stretch.known[name], stretch.seen[name]
        others = [stretch.known[other] for other in numbers if other != name]
        step = standing(known, seen, others)
        if joint is not None and name in joint.names:  # a code that comes more often is no fault
            often = repeating(known[earlier], seen, others)
            if often.ratio > step.ratio and against_others(joint, stretch, name, often.onset):
                step = often
        if step.risen:
            words = (
                f"{step.since:.0%} of {name} are {held(seen[step.onset :])[0]:.6g} since "
                f"{stretch.since(step.onset)}, {step.before:.1%} before"
            )
            found.append(Broken(name, step, words))
    return together(Cause.FROZEN, found, mend)


def before_it_grew(stretch: Stretch) -> slice:
    """Return the healthy rows three days older than the newest, if they are many: a share may grow for days."""
    count = int((stretch.healthy.time < stretch.rows.time[-1] - np.timedelta64(GROWS)).sum())
    return slice(count if count >= MANY else None)


def held(column: Column) -> tuple[float, float]:
    """Return the value that most rows hold and their share; NaN and 0 where no value is given."""
    values, count = np.unique(column[~np.isnan(column)], return_counts=True)
    return (float(values[np.argmax(count)]), float(count.max() / len(column))) if len(values) else (np.nan, 0.0)


def standing(known: Column, seen: Column, others: Sequence[Column]) -> Step:
    """Judge the run of one value that the newest rows are in.

    Each further row of it is a repeat, as likely as healthy rows repeat their values, or as the value is common in
    another column that may have taken this one's place; a run that is not longer than 2.5 times the longest healthy
    one is natural.
    """
    last = seen[-1]
    different = np.flatnonzero(seen != last)
    onset = int(different[-1]) + 1 if len(different) else 0
    run = len(seen) - onset
    again = known[1:] == known[:-1]
    anywhere = (again.sum() + 0.5) / (len(known) + 1)
    repeat = max(anywhere, (again & (known[1:] == last)).sum() / max((known == last).sum(), 1), common(last, others))
    ratio = -(run - 1) * float(np.log(min(repeat, 0.9999))) - float(np.log(len(seen)))
    rise = run >= FEWEST and run > LONGER * longest(again) and not np.isnan(last)
    return Step(
        onset=onset, before=float((known == last).mean()), since=1.0, ratio=max(ratio, 0.0) if rise else 0.0, still=True
    )


def common(value: float, others: Sequence[Column]) -> float:
    """Return the largest share of rows that another column has at a value."""
    return max((float((other == value).mean()) for other in others), default=0.0)


def longest(again: Bools) -> int:
    """Return the rows of the longest run, given which rows repeat the one before."""
    ends = np.flatnonzero(np.concatenate([[True], ~again, [True]]))
    return int(np.diff(ends).max())


def against_others(joint: Joint, stretch: Stretch, name: str, onset: int) -> bool:
    """Whether the other columns say that a column should have moved while it stood: at a natural bound they do not."""
    j = joint.names.index(name)
    usual = joint.expected(joint.standardised(stretch.known), j)
    value, _ = held(stretch.seen[name][onset:])
    at = np.flatnonzero(stretch.seen[name] == value)
    told = joint.expected(joint.standardised(stretch.seen), j)[at[at >= onset]]
    return bool(told.std() > MOVED * usual.std())


def repeating(known: Column, seen: Column, others: Sequence[Column]) -> Step:
    """Judge the share of rows at the value that most of the newest hold.

    Some value was the commonest of each healthy stretch, too: no less is natural, but for rows that come back to this
    very value more often than is natural for it. A value that is common in another column came from there.
    """
    value, _ = held(seen[len(seen) // 2 :])
    step = rate_step(known == value, seen == value)
    rows = len(seen) - step.onset
    parts = np.array_split(known, max(len(known) // rows, 1))
    natural = max(held(part)[1] for part in parts)
    elsewhere = LONGER * common(value, others)
    usual = step.since < max(LONGER * natural, elsewhere) and not returned(known, seen[step.onset :], value, elsewhere)
    ratio = step.ratio - float(np.log(len(np.unique(seen))))  # the value was chosen after the fact
    return replace(step, ratio=0.0 if usual else max(ratio, 0.0))


def returned(known: Column, since: Column, value: float, elsewhere: float) -> bool:
    """Whether rows come back to a value more often than is natural, see `natural_share`, and than elsewhere."""
    if not (since == value).any():  # what does not come is no value
        return False
    values, codes = np.unique(np.concatenate([known, since]), return_inverse=True)
    codes = np.where(np.isnan(values[codes]), -1, codes)
    at, rows = int(np.searchsorted(values, value)), min(len(since), len(known) // STRETCHES)
    if rows < FEWEST:
        return False
    past, now = codes[: len(known)], codes[len(known) :]
    share = float(returning(now, len(now), at)[0])
    return share > max(natural_share(past, now, rows, at) + SHARE, elsewhere)
