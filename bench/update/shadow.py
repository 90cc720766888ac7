"""A shadow over a stream, as the loop has it: when it is decided, and how."""

import numpy as np
from streams import REFERENCE
from world import World

from setpoint.deploy.shadow import LATE, judge_shadow, loss_bound
from setpoint.domain.rollout import Verdict

ROWS = 168  # outcomes after which it is decided


def decided_at(world: World, began: int, rows: slice) -> int:
    """Return the row of a unit at which a shadow has outcomes enough, or twice as many answers; its end: not in it."""
    return min(rows.stop, began + min(ROWS + world.stream.row(world.delay), LATE * ROWS))


def judged(world: World, champion: np.ndarray, candidate: np.ndarray, began: int, at: int) -> Verdict:
    """Return the verdict before a row on losses of the whole stream: what was served, and what the shadow answered."""
    known = slice(began, max(began, at - world.stream.row(world.delay)))
    bound = loss_bound(champion[world.stream.row(REFERENCE) : began])
    return judge_shadow(champion[known], candidate[known], 0, ROWS, answers=at - began, bound=bound)
