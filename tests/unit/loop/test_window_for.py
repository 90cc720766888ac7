"""Which rows the next training learns, and whether a contest has to tell."""

from dataclasses import replace
from typing import Any

import numpy as np

from setpoint.domain.update import Method, Updates
from setpoint.loop.learning.windows import EVERY_ROW, window_for


def test_where_outcomes_come_later_than_the_held_out_rows_reach_all_rows_are_learnt_without_a_contest(
    made: Any,
) -> None:
    deployment, held_out = made.deployment(updates=Updates(contest=True)), made.rows(made.now - 2 * made.day, made.now)
    assert window_for(deployment, Method.REFIT, held_out) == (None, True)
    late = replace(held_out, known=held_out.time + np.timedelta64(3, "D"))
    assert window_for(deployment, Method.REFIT, late) == (EVERY_ROW, False)
    assert window_for(deployment, Method.CONTINUE, late) == (None, False)
