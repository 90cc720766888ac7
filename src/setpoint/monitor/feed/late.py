"""Outcomes that are due and do not come: the share missing at an age, beside that of earlier rows at the same age."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.feed import delay_of
from setpoint.domain.finding import Finding
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.silent import coded, silent_callers, without
from setpoint.monitor.feed.family import level, sound
from setpoint.monitor.seen import Seen
from setpoint.stats.blocks import MOST, block_rows, step
from setpoint.stats.intervals import inflation, share_low, t_quantile

FEWEST = 30  # newest rows that are due
FEW, MANY = 100, 300  # at most so many of what became due since the last look; and all of it, or so many at least
FEWEST_KNOWN = 100  # outcomes that say when others are due
WHOLE = np.timedelta64(7, "D")  # of requests that say what is natural: weekends are in there
QUANTILES = (0.5, 0.9, 0.99)  # of the delays
GAP = 8  # of the earlier rows, at most a part of so many is no witness: what is late may have begun just before
CAUTION = 1.5  # times such a delay is late
SOONEST_US = 60_000_000  # no outcome is late before
FLOOR = 0.1  # of the outcomes due
NAMED = 3  # of those whose requests have no outcomes

Bools = NDArray[np.bool_]


def late(seen: Seen) -> Iterator[Finding]:
    """Report at the surest age whether more outcomes are missing than earlier rows of that age had.

    Every row that reached an age tells whether its outcome had come by then, whatever came later: no row is counted
    before its time (right censoring). The newest rows are compared with blocks of as many before: the lower bound of
    their share must lie beyond the worst block, and beyond what the blocks foretell, by a tenth; and by what is due to
    who asks now, where the outcomes of one caller are missing more often than those of another. Rows of silent callers
    count nowhere.
    """
    healthy = sound(seen)
    labelled = healthy.labelled
    if len(labelled) < FEWEST_KNOWN or seen.answers is None:
        return
    asked = ages(labelled, seen.behind_s)
    silent = silent_callers([seen.answers], max(asked), seen.now)
    rows, before = _numbered(*(without(_bare(rows), silent) for rows in (seen.answers, healthy)))
    found = [_at(seen, rows, before, age, bounds) for age in asked for bounds in ((FEWEST, FEW), (MANY, len(rows)))]
    best = max((f for f in found if f is not None), key=lambda f: (f.alarm, f.value - f.limit), default=None)
    if best is not None:
        yield replace(best, detail=best.detail + _not_counted(seen.answers, silent))


def _not_counted(answers: Records, silent: frozenset[str | None]) -> str:
    """Say whose requests are taken to have no outcomes at all, and how many those are."""
    if not silent:
        return ""
    share = 1 - len(without(answers, silent)) / len(answers)
    names = sorted(name or "no name" for name in silent)
    told = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return f"; {share:.0%} of the requests are not counted: no outcome ever came of those of {told}"


def ages(labelled: Records, behind_s: float) -> list[np.timedelta64]:
    """Return the ages at which rows are asked for their outcome."""
    found = [round(CAUTION * delay_of(labelled, q, behind_s).astype(np.int64)) for q in QUANTILES]
    return [np.timedelta64(max(age, SOONEST_US), "us") for age in dict.fromkeys(found)]


def _at(seen: Seen, answers: Records, healthy: Records, age: np.timedelta64, bounds: tuple[int, int]) -> Finding | None:
    end = stamp(seen.now) - age
    rows = answers.take(answers.time <= end)
    last = stamp(seen.started) - age
    fresh = int((rows.time > last).sum())
    count = max(min(fresh, bounds[1]), bounds[0])
    if len(rows) < count or not fresh:
        return None
    newest = rows.take(np.arange(len(rows) - count, len(rows)))
    before = healthy.take(healthy.time < min(newest.time[0], last))
    before = before.take(np.arange(len(before) - min(count, len(before) // GAP)))
    size = block_rows(count, len(before))
    if not size or before.time[-1] - before.time[0] < WHOLE:
        return None
    past, now = missing(before, age), missing(newest, age)
    blocks = past[len(past) % size :].reshape(-1, size).mean(axis=1)[-MOST:]
    one = step(blocks[:, None], np.array([[now.mean()]]))
    alpha = level(seen)
    widened = max(float(inflation(past.astype(np.float64)[:, None])[0]), 1.0)  # rows wait for each other
    more, error = _by_callers(before, newest, past)
    width = float(np.hypot(one.se[0], error * np.sqrt(widened))) * t_quantile(alpha, float(one.freedom[0]))
    limit = max(float(blocks.max()), float(one.expected[0]) + width) + max(more, 0.0) + FLOOR
    alone = count / widened
    low = share_low(float(now.mean()) * alone, alone, alpha)
    hours = age / np.timedelta64(1, "h")
    return Finding(
        monitor="feed",
        metric="late",
        column=seen.schema.target,
        since=moment(newest.time[int(np.argmax(now))]),
        until=seen.now,
        rows=count,
        value=float(now.mean()),
        limit=limit,
        alarm=bool(low > limit),
        low=low,
        kind="late",
        detail=f"{now.mean():.0%} of {count} outcomes had not come when their requests were {hours:.3g} h old; "
        f"{past.mean():.1%} before, {blocks.max():.0%} at worst",
        examples=tuple(str(i) for i in newest.id[now][:3]),
    )


def _bare(rows: Records) -> Records:
    return replace(rows, inputs={}, classes=None)


def _numbered(*stretches: Records) -> list[Records]:
    """Return stretches with callers as numbers, all of them one where it is not on record who asked."""
    columns = [rows.caller for rows in stretches if rows.caller is not None]
    codes = coded(columns)[0] if len(columns) == len(stretches) else [np.zeros(len(r), np.int64) for r in stretches]
    return [replace(rows, caller=code) for rows, code in zip(stretches, codes, strict=True)]


def _by_callers(before: Records, newest: Records, past: Bools) -> tuple[float, float]:
    """Return how much more is missing now by who asks, and the error of that.

    Each caller of 30 earlier rows has a rate of its own, the others have one together.
    """
    assert before.caller is not None
    assert newest.caller is not None
    most = 1 + int(max(before.caller.max(), newest.caller.max()))
    few = np.bincount(before.caller, minlength=most) < FEWEST
    then, now = (np.where(few[c], most, c) for c in (before.caller, newest.caller))
    count = np.bincount(then, minlength=most + 1)
    own, overall = count >= FEWEST, float(past.mean())
    rate = np.where(own, (np.bincount(then, past, minlength=most + 1) + overall) / (count + 1), overall)
    moved = np.bincount(now, minlength=most + 1) / len(now) - count / len(then)
    variance = np.where(own, rate * (1 - rate) / np.maximum(count, 1), 0.0)
    return float(moved @ rate), float(np.sqrt(np.square(moved) @ variance))


def missing(rows: Records, age: np.timedelta64) -> Bools:
    """Return which outcomes had not come at an age, shape (n,)."""
    return np.asarray(np.isnat(rows.known) | (rows.known - rows.time > age), dtype=bool)
