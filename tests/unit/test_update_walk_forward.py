"""Walking forward: what a rule may learn from before each unit, and what is made of what it saved."""

import numpy as np
import pytest
from numpy.typing import NDArray

from setpoint.update.recalibration import Evidence
from setpoint.update.walk_forward import (
    Proof,
    asked_before,
    at_once,
    in_time,
    known_before,
    latest_first,
    proof_of,
    walk_forward,
)

TIME = np.arange(100)


def seen(known_at: object, count: int = 100) -> list[tuple[int, int, int]]:
    """The last row learnt from, the first and the last row answered, for each unit of ten rows."""
    found = []

    def gains(last: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        found.append((last, int(rows[0]), int(rows[-1])))
        return np.zeros(len(rows))

    walk_forward(count, 10, known_at, lambda rows: int(rows[-1]) if len(rows) else -1, gains)  # type: ignore[arg-type]
    return found


def test_a_unit_is_answered_by_what_was_known_before_it() -> None:
    """Six units, each after a fit on the rows before; outcomes 15 rows late come 15 rows late."""
    assert seen(at_once) == [(39, 40, 49), (49, 50, 59), (59, 60, 69), (69, 70, 79), (79, 80, 89), (89, 90, 99)]
    assert seen(in_time(TIME, TIME + 15)) == [(last - 14, first, end) for last, first, end in seen(at_once)]
    assert seen(asked_before(TIME, TIME)) == seen(at_once)
    assert seen(known_before(TIME + 15, TIME)) == seen(in_time(TIME, TIME + 15))
    assert seen(known_before(TIME[:50] + 15, TIME + 100), 30) == [(49, 0, 9), (49, 10, 19), (49, 20, 29)]
    assert seen(in_time(TIME, TIME + 15), 25) == [(-1, 0, 4), (-1, 5, 14), (0, 15, 24)]


def test_the_latest_units_weigh_most() -> None:
    """Each 0.7 of the one after it; a mean that fell is seen to fall."""
    saved = np.repeat([1.0, 1.0, 0.0], 10) + np.tile([0.1, -0.1], 15)
    assert proof_of(saved).gain == pytest.approx(2 / 3)
    assert latest_first(saved, 10).gain == pytest.approx((0.49 + 0.7) / 2.19)
    assert latest_first(saved, 10).se > proof_of(saved).se


def test_what_loses_with_late_outcomes_is_not_trusted() -> None:
    """However much the latest units gain; nor is a gain within a standard error."""
    gain, loss, chance = Proof(gain=1.0, se=0.1), Proof(gain=-0.1, se=0.1), Proof(gain=0.1, se=0.2)
    assert Evidence(late=gain, prompt=gain).trusted
    assert not Evidence(late=loss, prompt=gain).trusted
    assert not Evidence(late=gain, prompt=chance).trusted
    assert not Evidence(late=Proof(), prompt=Proof()).trusted
