"""Training/serving skew: more recorded values differ from their source than is normal for them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from setpoint.domain.audited import Audited, counted
from setpoint.domain.finding import Finding
from setpoint.monitor.seen import SOURCES, YEAR_S, Seen
from setpoint.stats.intervals import share_low
from setpoint.stats.mismatch import fewest_beyond

FLOOR = 0.02  # share of values that may differ
WEEK = timedelta(days=7)
HORIZONS = 2  # what is new, and the last week
MOST_PER_DAY = 8  # audits
SHOWN = 3  # ids of rows that differ


def audit(seen: Seen) -> Iterator[Finding]:
    """Report each column whose newest audited values, or those of the last week, differ from their source too often."""
    if not seen.audited:
        return
    week = [a for a in seen.audits if a.until > seen.now - WEEK]
    before = [a for a in seen.audits if a not in week]
    names = dict.fromkeys(name for a in seen.audited for name in a.columns)
    looks = min(seen.looks, MOST_PER_DAY * YEAR_S / 86_400)
    alpha = seen.level(SOURCES * HORIZONS * len(names), looks)
    for name in names:
        found = [
            _mismatch(name, newest, usual, alpha)
            for newest, usual in ((seen.audited, [*before, *week]), ([*week, *seen.audited], before))
        ]
        yield max(found, key=lambda f: (f.alarm, f.value - f.limit))


def not_audited(seen: Seen, why: str) -> Iterator[Finding]:
    """Report that inputs could not be compared with their source, or some of them, and why: a note."""
    if why:
        yield Finding(
            monitor="audit",
            metric="not_audited",
            since=seen.started,
            until=seen.now,
            rows=0,
            value=1.0,
            limit=0.0,
            alarm=False,
            detail=f"inputs are not compared with their source: {why}",
        )


def _mismatch(name: str, newest: Sequence[Audited], before: Sequence[Audited], alpha: float) -> Finding:
    newest = [a for a in newest if name in a.columns]
    differ, rows = counted(newest, name)
    usual = counted(before, name)
    enough = fewest_beyond(rows, usual, FLOOR, alpha)
    seen = [d for a in newest if (d := a.of(name)) is not None]
    likes = {d.like for d in seen}
    return Finding(
        monitor="audit",
        metric="mismatch",
        column=name,
        since=_onset(newest, name),
        until=newest[-1].until,
        rows=rows,
        value=differ / rows,
        limit=max(FLOOR, usual[0] / max(usual[1], 1)),
        alarm=differ >= enough,
        kind=likes.pop() if len(likes) == 1 else "",
        low=share_low(differ, rows, alpha),
        detail=f"{differ} of {rows} recorded values are not what their source says, {usual[0]} of {usual[1]} before",
        examples=tuple(i for d in reversed(seen) for i in d.ids)[:SHOWN],
    )


def _onset(audits: Sequence[Audited], name: str) -> datetime:
    """Return the time of the first row that differs, as far back as every audit has some."""
    since = audits[-1].since
    for one in reversed(audits):
        found = one.of(name)
        if found is None:
            break
        since = found.first
    return since
