"""Whether an earlier champion would do better than the present one."""

from collections.abc import Mapping, Sequence

import numpy as np

from setpoint.domain.receipt import Gain
from setpoint.domain.records import Column
from setpoint.domain.value import value
from setpoint.stats.paired import mean_interval

LEVEL = 0.9545  # two standard errors: with three formers and a look a day it is passed by chance a few times a year
FLOOR = 0.01  # of the champion's loss: what is won by less is not worth a change
FEWEST = 50  # rows
FORMERS = 3  # champions that are looked back on, and the first one


def looked_back_on(champions: Sequence[str]) -> tuple[str, ...]:
    """Return which of the champions so far, in time order and without the present one, may be restored."""
    latest = dict.fromkeys((*champions[:1], *champions[-FORMERS:]))
    return tuple(latest)


@value
class Former:
    """An earlier champion, and what it would have won over the present one."""

    version: str
    gain: Gain


def better_former(champion: Column, formers: Mapping[str, Column]) -> Former | None:
    """Return the earlier champion that is surely better, by 1 % of the loss at least; None where none is.

    Parameters
    ----------
    champion : ndarray of shape (n,), float64
        Losses of its answers as served, in time order, on rows that it never learnt from.
    formers : mapping of version to ndarray of shape (n,), float64
        Losses of the versions before it on the same rows; NaN where one learnt from the row, or has no answer.
    """
    found = []
    for version, theirs in formers.items():
        gains = (champion - theirs)[~np.isnan(champion) & ~np.isnan(theirs)]
        if len(gains) < FEWEST:
            continue
        won = mean_interval(gains, level=LEVEL)
        if won.low > 0 and won.mean > FLOOR * float(np.nanmean(champion)):
            gain = Gain(mean=won.mean, low=won.low, high=won.high, rows=won.rows)
            found.append(Former(version=version, gain=gain))
    return max(found, key=lambda f: f.gain.mean, default=None)
