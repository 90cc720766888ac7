"""Outcomes that are not what they were, in the order in which they came: one value, or another level."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.finding import Finding
from setpoint.domain.records import Records, moment, stamp
from setpoint.domain.schema import Task
from setpoint.monitor.feed.family import level, sound
from setpoint.monitor.seen import Seen
from setpoint.stats.blocks import MOST, block_rows, runs_of, step
from setpoint.stats.intervals import t_quantile

FEWEST = 30  # newest outcomes
LONGER = 2.5  # times the longest run of healthy outcomes
SHARE_FLOOR, LEVEL_FLOOR = 0.15, 0.5  # of a share; of the healthy deviation

Floats = NDArray[np.float64]


def constant(seen: Seen) -> Iterator[Finding]:
    """Report that the newest outcomes are all one value, for longer than chance and healthy outcomes have it."""
    rows, before = _arrived(seen)
    truth = rows.truth.astype(np.float64)
    if len(rows) < FEWEST:
        return
    starts, lengths = runs_of(truth)
    run, value = int(lengths[-1]), float(truth[-1])
    known = before.take(before.known < rows.known[starts[-1]]).truth.astype(np.float64)
    if len(known) < FEWEST:
        return
    _, healthy = runs_of(known)
    at = np.flatnonzero(known[:-1] == value)
    again = (float((known[at + 1] == value).sum()) + 0.5) / (len(at) + 1)  # how likely the value repeats
    chance = -(run - 1) * float(np.log(min(again, 0.9999)))
    limit = LONGER * float(healthy.max())
    yield Finding(
        monitor="feed",
        metric="constant",
        column=seen.schema.target,
        since=moment(rows.known[starts[-1]]),
        until=seen.now,
        rows=run,
        value=float(run),
        limit=limit,
        alarm=bool(run >= FEWEST and run > limit and chance > -np.log(level(seen)) + np.log(len(truth))),
        kind="constant",
        detail=f"the newest {run} outcomes are all {_named(seen, value)}; the longest run of one value was "
        f"{healthy.max()} before",
        examples=tuple(str(i) for i in rows.id[-3:]),
    )


def moved(seen: Seen) -> Iterator[Finding]:
    """Report that the level of the newest outcomes jumped, and that of the answers to the same requests did not."""
    rows, before = _arrived(seen)
    if seen.schema.task is Task.MULTICLASS:
        return
    fresh = int((rows.known >= stamp(seen.started)).sum())
    count = max(fresh, FEWEST)
    size = block_rows(count, len(before))
    if not fresh or not size or len(rows) < count:
        return
    newest = rows.take(np.arange(len(rows) - count, len(rows)))
    before = before.take(before.known < newest.known[0])
    size = block_rows(count, len(before))
    if not size:
        return
    found = [_jump(past, now, size, level(seen)) for past, now in zip(_levels(before), _levels(newest), strict=True)]
    (effect, width), (beyond, slack) = found
    spread = float(before.outcome.astype(np.float64).std())
    floor = SHARE_FLOOR if seen.schema.task is Task.BINARY else LEVEL_FLOOR * spread
    same_way = effect * beyond > 0 and abs(beyond) >= abs(effect) / 2
    past = float(before.outcome.astype(np.float64).mean())
    yield Finding(
        monitor="feed",
        metric="level",
        column=seen.schema.target,
        since=moment(newest.known[0]),
        until=seen.now,
        rows=count,
        value=abs(effect),
        limit=floor + width,
        alarm=bool(abs(effect) - width > floor and abs(beyond) - slack > floor / 2 and same_way),
        kind="level",
        detail=f"mean outcome {past:.4g} → {past + effect:.4g} in the newest {count}; the answers to them moved by "
        f"{effect - beyond:+.2g}",
        examples=tuple(str(i) for i in newest.id[-3:]),
    )


def _levels(rows: Records) -> tuple[Floats, Floats]:
    """Return the outcomes, and how far they lie from the answers."""
    outcome, score = rows.outcome.astype(np.float64), rows.score.astype(np.float64)
    return outcome, outcome - score


def _jump(past: Floats, now: Floats, size: int, alpha: float) -> tuple[float, float]:
    """Return how far a mean lies from the blocks before, and how far it moves by itself."""
    blocks = past[len(past) % size :].reshape(-1, size).mean(axis=1)[-MOST:]
    one = step(blocks[:, None], np.array([[now.mean()]]))
    width = max(
        float(one.se[0]) * t_quantile(alpha, float(one.freedom[0])), float(np.abs(blocks - blocks.mean()).max())
    )
    return float(one.effect[0]), width


def _arrived(seen: Seen) -> tuple[Records, Records]:
    """Return all outcomes that are numbers, and the healthy ones that had come before the last look, as they came."""
    healthy = sound(seen).labelled
    return _ordered(seen.labelled), _ordered(healthy.take(healthy.known < stamp(seen.started)))


def _ordered(rows: Records) -> Records:
    rows = rows.take(np.isfinite(rows.truth.astype(np.float64)) & np.isfinite(rows.score.astype(np.float64)))
    return rows.take(np.argsort(rows.known, kind="stable"))


def _named(seen: Seen, value: float) -> str:
    return repr(seen.schema.classes[int(value)]) if seen.schema.classes else f"{value:g}"
