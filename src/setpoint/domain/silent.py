"""Callers whose requests never get an outcome: they tell nothing of the feed."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from setpoint.domain.records import Column, Records, stamp

SILENT_ROWS, BY_CHANCE = 30, 1e-3  # due rows of a caller without any outcome, and how unlikely that must be


def silent_callers(stretches: Sequence[Records], due: np.timedelta64, now: datetime) -> frozenset[str | None]:
    """Return the callers whose requests never get an outcome, of consecutive stretches of the log.

    Nobody tells what came of a check of health, a test of load, or a probe, so that such rows say nothing of the feed.
    A caller is silent if 30 of its rows at least are older than `due`, none of its rows has an outcome, and that is
    less likely than 0.001 by how often the outcomes of others are missing; one of fewer rows is not known yet, unless
    it is usual that callers send few. No caller is, while all others pause for longer than they ever did: they may have
    been replaced, and a feed that stopped with them must not be overlooked. Nor is a caller that took over from others:
    since it came they ask less than half as often, by about as much as it asks.
    """
    columns = [rows.caller for rows in stretches if rows.caller is not None]
    if len(columns) < len(stretches) or not sum(map(len, stretches)):
        return frozenset()
    codes, names = coded(columns)
    who, time, known = (np.concatenate(c) for c in (codes, [r.time for r in stretches], [r.known for r in stretches]))
    old = time + due <= stamp(now)
    asked, told = np.bincount(who[old], minlength=len(names)), np.bincount(who, ~np.isnat(known))
    mute, sent = (asked >= SILENT_ROWS) & (told == 0), np.bincount(who)
    others = old & ~mute[who]
    missing = ((np.isnat(known) | (known - time > due)) & others).sum()
    mute &= asked * np.log((missing + 0.5) / (others.sum() + 1)) < np.log(BY_CHANCE)
    if sent[(sent < SILENT_ROWS) & (told > 0)].sum() < SILENT_ROWS:
        mute |= (asked < SILENT_ROWS) & (told == 0)
    rest = np.sort(time[~mute[who]])
    if not mute.any() or _ceased(rest, now):
        return frozenset()
    mutes = (i for i in np.flatnonzero(mute) if sent[i] < SILENT_ROWS or not _took_over(time[who == i], rest, now))
    return frozenset(names[i] for i in mutes)


def without(rows: Records, callers: frozenset[str | None]) -> Records:
    """Return the rows of other callers."""
    if not callers or rows.caller is None:
        return rows
    return rows.take(np.fromiter((caller not in callers for caller in rows.caller.tolist()), bool, len(rows)))


def coded(columns: Sequence[Column]) -> tuple[list[Column], list[str | None]]:
    """Return columns of texts as numbers, each of shape (n,), and the texts by number."""
    numbers: dict[str | None, int] = {}
    found = [pa.array(c, pa.string()).dictionary_encode(null_encoding="encode") for c in columns]
    places = [[numbers.setdefault(t, len(numbers)) for t in each.dictionary.to_pylist()] for each in found]
    codes = [np.array(p, np.int64)[each.indices.to_numpy()] for p, each in zip(places, found, strict=True)]
    return codes, list(numbers)


def _took_over(mine: Column, others: Column, now: datetime) -> bool:
    """Whether others ask less than half as often since somebody came, by half to twice as much as that one asks."""
    came = mine.min()
    lasts = stamp(now) - came
    before = others[(others < came) & (others >= came - lasts)]
    if len(before) < SILENT_ROWS:
        return False
    expected = len(before) * float(lasts / (came - max(others[0], came - lasts)))
    fewer = expected - (others >= came).sum()
    return bool(fewer > expected / 2 and len(mine) / 2 <= fewer <= 2 * len(mine))


def _ceased(time: Column, now: datetime) -> bool:
    """Whether rows stopped coming: their pause up to now is longer than any before."""
    return len(time) < SILENT_ROWS or bool(stamp(now) - time[-1] > np.diff(time).max())
