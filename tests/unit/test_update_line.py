"""Which line the answers should get: simulated with outcomes that come late."""

import numpy as np

from setpoint.domain.calibration import Calibration
from setpoint.domain.schema import Task
from setpoint.update.line import BORN, SERVED, best_line, moves
from setpoint.update.recalibration import Answers

UNIT = 60
HOUR = np.timedelta64(1, "h")


def answers(missed: np.ndarray, *, late: int = 0, seed: int = 0) -> Answers:
    """A regression whose answers are off by `missed`, with outcomes `late` rows late."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(100.0, 10.0, len(missed))
    time = np.arange(len(missed)) * HOUR
    return Answers(raw=raw, truth=raw + missed + rng.normal(0, 5.0, len(missed)), time=time, known=time + late * HOUR)


def part(rows: Answers, since: int) -> Answers:
    cut = slice(since, None)
    return Answers(raw=rows.raw[cut], truth=rows.truth[cut], time=rows.time[cut], known=rows.known[cut])


def test_a_lasting_miss_is_corrected_and_none_is_left_alone() -> None:
    off = answers(np.full(600, 8.0))
    line = best_line(Task.REGRESSION, off, off, UNIT)
    assert line is not None
    assert 6.0 < line.calibration.shift[0] < 9.0
    well = answers(np.zeros(600))
    assert best_line(Task.REGRESSION, well, well, UNIT) is None


def test_a_new_champion_inherits_what_its_predecessors_missed_where_it_misses_that_too() -> None:
    served = answers(np.full(900, 8.0), late=300)
    own = part(served, 840)
    line = best_line(Task.REGRESSION, own, served, UNIT)
    assert line is not None
    assert line.learnt_from == SERVED
    right = Answers(raw=own.raw + 8.0, truth=own.truth, time=own.time, known=own.known)
    assert best_line(Task.REGRESSION, right, served, UNIT) is None, "its predecessors were off, it is not"
    assert best_line(Task.REGRESSION, part(served, 890), served, UNIT) is None, "ten outcomes of its own are no proof"


def test_no_outcomes_no_line() -> None:
    none = part(answers(np.zeros(40)), 40)
    assert best_line(Task.REGRESSION, none, none, UNIT) is None
    assert moves(Task.REGRESSION, None, Calibration(shift=(1.0,)), none) == 0.0


def test_a_line_that_hardly_differs_moves_little() -> None:
    rows = answers(np.zeros(600))
    near, far = Calibration(shift=(0.01,)), Calibration(shift=(8.0,))
    assert moves(Task.REGRESSION, None, None, rows) == 0.0
    assert moves(Task.REGRESSION, None, near, rows) < 0.01 < moves(Task.REGRESSION, None, far, rows)
    assert moves(Task.REGRESSION, far, far, rows) == 0.0


def test_the_line_that_a_champion_was_born_with_stays_until_its_answers_are_better_without() -> None:
    born, off = Calibration(shift=(8.0,)), answers(np.full(600, 8.0))
    for few in (600, 590):  # of its own: none, ten
        line = best_line(Task.REGRESSION, part(off, few), off, UNIT, born)
        assert line is not None
        assert (line.calibration, line.learnt_from) == (born, BORN)
    over = answers(np.full(600, -1.0))
    line = best_line(Task.REGRESSION, part(over, 560), over, UNIT, born)
    assert line is None or line.learnt_from != BORN, "what it corrected is over"


def test_a_line_of_ones_own_replaces_the_one_that_a_champion_was_born_with() -> None:
    off = answers(np.full(600, 8.0))
    line = best_line(Task.REGRESSION, off, off, UNIT, Calibration(shift=(4.0,)))
    assert line is not None
    assert line.learnt_from != BORN
