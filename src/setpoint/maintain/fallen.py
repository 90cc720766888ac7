"""Whether an earlier version answers a part of the rows as it should, and whether the champion could again."""

import numpy as np

from setpoint.domain.baseline import BASELINE
from setpoint.domain.incident import Repair
from setpoint.domain.lying_within import lying
from setpoint.domain.records import stamp
from setpoint.domain.requested import Requested
from setpoint.maintain.asked_again import failures
from setpoint.maintain.marks import Bools

FEWEST = 12  # rows that the earlier version was asked
MOST_LOST = 0.05  # share that it may fail on


def answers_instead(repair: Repair, asked: Requested) -> tuple[bool | None, str]:
    """Judge a fall-back by the rows within since it was put in place: True, it helps; False, it does not."""
    mine = asked.take(_since(repair, asked))
    if len(mine) < FEWEST:
        return None, f"{len(mine)} of {FEWEST} requests since"
    lost = failures(mine)
    fallback = repair.fallback
    assert fallback is not None
    words = f"{fallback.version} answered {(~lost).sum()} of {len(lost)} rows with {fallback.within.words} since"
    return bool(lost.mean() <= MOST_LOST), words


def answered_instead(repair: Repair, asked: Requested) -> Requested:
    """Return the rows within that the earlier version has answered in the champion's place."""
    mine = asked.take(_since(repair, asked))
    return mine.take(~failures(mine))


def _since(repair: Repair, asked: Requested) -> Bools:
    fallback = repair.fallback
    assert fallback is not None
    assert repair.applied is not None
    after = asked.arrived.view("datetime64[us]") >= stamp(repair.applied)
    mine = (asked.version == fallback.version) & ((asked.role == "champion") | (asked.role == BASELINE))
    return np.asarray(after & mine & lying(fallback.within, asked.inputs[fallback.within.feature]), bool)


def answers_again(again: Bools, champion: str) -> tuple[bool, str]:
    """Return whether the champion, asked again what another one answered for it, fails no more; and why."""
    if len(again) < FEWEST:
        return False, f"{len(again)} of {FEWEST} rows to ask {champion} again"
    return not again.any(), f"{champion}, asked again, answers {(~again).sum()} of {len(again)} of these rows"
