"""Tables that users hand over, read as outcomes."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput
from setpoint.loop.verbs.frames import _micros, outcomes_of, read_table

NOW = datetime(2024, 5, 1, tzinfo=UTC)
SCHEMA = Schema(
    features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),), target="y", task=Task.REGRESSION, id="id"
)


def outcomes(known):
    kind = pa.timestamp("us", tz=known.tzname() if known.tzinfo else None)
    return outcomes_of(pa.table({"id": ["a"], "y": [1.0], "known": pa.array([known], kind)}), SCHEMA, NOW)


def test_the_time_of_an_outcome_is_kept_to_the_microsecond():
    (found,) = outcomes(datetime(2024, 5, 1, 12, 0, 0, 123_457, tzinfo=UTC))
    assert found.known_us == 1_714_564_800_123_457


@pytest.mark.parametrize(
    "known",
    [
        datetime(1899, 12, 31, tzinfo=UTC),
        datetime(2200, 1, 2, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31),  # noqa: DTZ001
    ],
)
def test_an_outcome_of_a_time_that_no_calendar_needs_is_refused(known):
    with pytest.raises(InvalidInput, match=r"row 0: known is .*; expected a time from 1900 to 2200"):
        outcomes(known)


def test_a_zone_that_carries_a_time_beyond_the_calendar_is_refused():
    east = pa.array([0], pa.int64()).cast(pa.timestamp("us", tz="+14:00"))
    assert outcomes_of(pa.table({"id": ["a"], "y": [1.0], "known": east}), SCHEMA, NOW)[0].known_us == 0
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(InvalidInput, match="row 3: known is 0001-01-01"):
        _micros(first, 3)


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "twice.csv").write_text("a,b,a\n1,2,3\n")
    with pytest.raises(InvalidInput, match="more than one column is called 'a'"):
        read_table(tmp_path / "twice.csv")
