"""Whether an earlier champion would do better than the present one."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from setpoint.domain.receipt import Gain
from setpoint.domain.records import Column
from setpoint.domain.value import value
from setpoint.stats.paired import mean_interval

ALPHA = 0.05  # of restoring one that is no better, in all the time that a champion serves
FLOOR = 0.01  # of the champion's loss: what is won by less is not worth a change
FEWEST = 50  # rows
FORMERS = 3  # champions that are looked back on, and the first one
LEVEL = 0.9  # of the interval that is told


def looked_back_on(champions: Sequence[str]) -> tuple[str, ...]:
    """Return which of the champions so far, in time order and without the present one, may be restored: each once."""
    latest = tuple(dict.fromkeys(reversed(champions)))[:FORMERS]
    return tuple(dict.fromkeys((*champions[:1], *reversed(latest))))


def look_due(known: int, before: int, unit_rows: int) -> int | None:
    """Return the number of the look that is due, from 1; None where none is.

    The first one is due when a unit of outcomes has become known since the champion was chosen, and another one
    whenever their number has doubled: a champion is not taken back on what it was chosen on.

    Parameters
    ----------
    known, before : int
        Outcomes that have become known since the champion was chosen, now and when this was last asked.
    """
    last, now = (math.floor(math.log2(max(rows, 1) / unit_rows)) + 1 for rows in (before, known))
    return now if now > max(last, 0) else None


@value
class Former:
    """An earlier champion, and what it would have won over the present one."""

    version: str
    gain: Gain


def better_former(champion: Column, formers: Mapping[str, Column], *, look: int) -> Former | None:
    """Return the earlier champion that is surely better, by 1 % of the loss at least; None where none is.

    The looks at a champion share 5 %, of which look k spends 1 / k(k+1), and so do the formers (Bonferroni).

    Parameters
    ----------
    champion : ndarray of shape (n,), float64
        Losses of its answers as served, in time order, on rows that it never learnt from and whose outcome has become
        known since it was chosen.
    formers : mapping of version to ndarray of shape (n,), float64
        Losses of the versions before it on the same rows; NaN where one learnt from the row, or has no answer.
    look : int
        See `look_due`.
    """
    found = []
    for version, theirs in formers.items():
        gains = (champion - theirs)[~np.isnan(champion) & ~np.isnan(theirs)]
        if len(gains) < FEWEST:
            continue
        alpha = ALPHA / (look * (look + 1)) / len(formers)
        won = mean_interval(gains, level=1 - 2 * alpha)
        if won.low > 0 and won.mean > FLOOR * float(np.nanmean(champion)):
            told = mean_interval(gains, level=LEVEL)
            found.append(
                Former(version=version, gain=Gain(mean=told.mean, low=told.low, high=told.high, rows=told.rows))
            )
    return max(found, key=lambda f: f.gain.mean, default=None)
