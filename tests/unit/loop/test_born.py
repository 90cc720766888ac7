"""Whether a candidate is born with a line, and on how many rows that is fitted."""

import pytest

from setpoint.domain.calibration import Calibration
from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.loop.learning.born import line_rows, spared
from setpoint.loop.looks.situation import unit_rows
from tests.unit.versions.hand_made import a_version

RAW = a_version("v1")
LINED = replace(RAW, calibration=Calibration(shift=(3.0,)))


@pytest.mark.parametrize("method", [Method.REFIT, Method.CONTINUE, Method.PARTIAL_FIT, Method.OWN])
def test_what_is_trained_gets_a_line_where_the_champion_has_one(method: Method) -> None:
    assert line_rows(LINED, method) == unit_rows(LINED) > 0
    assert line_rows(RAW, method) == 0


@pytest.mark.parametrize("method", [Method.RECALIBRATE, Method.THRESHOLD, Method.RESIDUAL])
def test_what_changes_the_champions_own_answers_gets_none(method: Method) -> None:
    assert line_rows(LINED, method) == 0


@pytest.mark.parametrize(
    ("rows", "new_rows", "kept"),
    [(100, 1_000, 100), (100, 150, 75), (100, 59, 0), (100, 60, 30), (100, None, 0), (0, 1_000, 0)],
)
def test_most_of_what_is_new_is_for_the_model_and_too_few_rows_make_no_line(
    rows: int, new_rows: int | None, kept: int
) -> None:
    assert spared(rows, new_rows) == kept
