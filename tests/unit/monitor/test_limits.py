import pytest

from setpoint.domain.value import from_json, to_json
from setpoint.errors import Corrupt
from setpoint.monitor.limits import FILE_NAME, Limits, read_limits


def test_limits_survive_their_file(limits, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(to_json(limits))
    assert read_limits(tmp_path) == read_limits(tmp_path / FILE_NAME) == limits == from_json(to_json(limits), Limits)


def test_a_torn_file_says_what_to_do(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"rows": 3')
    with pytest.raises(Corrupt, match="deploy the model again"):
        read_limits(tmp_path)


def test_dependent_columns_move_more_than_independent_ones(limits):
    def level(column):
        return limits.columns[column].movement(168).level

    assert level("temp_c") > 3 * level("load")


def test_independent_rows_move_like_the_root_of_their_number(limits):
    levels = {m.rows: m.level for m in limits.columns["load"].movements}
    assert levels[24] == pytest.approx(24**-0.5, rel=0.4)
    assert levels[168] == pytest.approx(168**-0.5, rel=0.8)


def test_a_month_moves_in_steps_and_a_temperature_does_not(limits):
    assert limits.columns["month"].stepwise
    assert not limits.columns["temp_c"].stepwise
