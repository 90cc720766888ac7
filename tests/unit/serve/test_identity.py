"""Request ids, event times, outcomes."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.record import EARLIEST_US, LATEST_US, Outcome
from setpoint.domain.schema import Task
from setpoint.errors import InvalidRequest
from setpoint.serve.identity import accepted_id, event_us, new_id
from setpoint.serve.outcomes import decode_outcomes


@given(st.lists(st.integers(0, 2**50), min_size=2))
def test_ids_sort_by_time_and_are_uuids(times_us):
    ids = [new_id(us * 1_000) for us in times_us]
    assert len(set(ids)) == len(ids)
    assert all(uuid.UUID(i).version == 7 and uuid.UUID(i).variant == uuid.RFC_4122 for i in ids)
    by_us = dict(zip(times_us, ids, strict=True))
    assert [by_us[us] for us in sorted(by_us)] == sorted(by_us.values())


@pytest.mark.parametrize("given", ["", "a" * 129, "a\nb", "é", "a\x00"])
def test_ids_that_no_header_can_carry_are_not_taken(given):
    assert not accepted_id(given)


@pytest.mark.parametrize(
    "given",
    ["2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00", "2024-05-01 12:00:00", 1714564800, 1714564800.0,
     1714564800_000, 1714564800_000_000, 1714564800_000_000_000],
)  # fmt: skip
def test_times_are_read_in_every_usual_way(given):
    assert event_us(given) == 1_714_564_800_000_000


@pytest.mark.parametrize("given", ["noon", "", True, None, [1], 1e300, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(given):
    with pytest.raises(ValueError):
        event_us(given)


@pytest.mark.parametrize(
    "given",
    [-9e10, 9e10, "1899-12-31T23:59:59Z", "2200-01-01T00:00:00.000001Z", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59-14:00", 9.9e19, -9.9e19],
)  # fmt: skip
def test_times_that_no_calendar_needs_are_refused(given):
    with pytest.raises(ValueError, match="1900"):
        event_us(given)


def test_the_first_and_the_last_time_are_taken():
    assert event_us("1900-01-01T00:00:00Z") == EARLIEST_US
    assert event_us("2200-01-01T00:00:00Z") == event_us(LATEST_US // 1_000_000) == LATEST_US


def body(*outcomes):
    return json.dumps({"outcomes": outcomes}).encode()


def test_outcomes_come_alone_or_together(make):
    schema = make.schema()
    assert decode_outcomes(b'{"id": "r1", "value": 5}', schema, 9) == [Outcome("r1", 5.0, 9, stated=False)]
    two = body({"id": 7, "value": 1.5, "known": "1970-01-01T00:00:01Z"}, {"id": "b", "value": 2, "known": None})
    assert decode_outcomes(two, schema, 9) == [Outcome("7", 1.5, 1_000_000), Outcome("b", 2.0, 9, stated=False)]


def test_a_label_is_kept_as_the_training_data_spells_it(make):
    schema = make.schema(task=Task.BINARY, classes=(False, True))
    assert decode_outcomes(b'{"id": "r1", "value": 1}', schema, 9)[0].value is True


REFUSED = {
    "no number": ({"id": "r", "value": "high"}, "outcome 0: value is string 'high'; expected a finite number"),
    "boolean": ({"id": "r", "value": True}, "outcome 0: value is boolean True; expected a finite number"),
    "null": ({"id": "r", "value": None}, "outcome 0: value is null; expected a finite number"),
    "nan": ({"id": "r", "value": float("nan")}, "outcome 0: value is number nan; expected a finite number"),
    "huge": ({"id": "r", "value": 10**30}, f"outcome 0: value is number {10**30}; expected a finite number"),
    "no id": ({"value": 1}, "outcome 0 has no 'id'"),
    "empty id": ({"id": "", "value": 1}, "outcome 0: id is string ''; expected the id of a prediction"),
    "no value": ({"id": "r"}, "outcome 0 has no 'value'"),
    "typo": ({"id": "r", "vlaue": 1}, "outcome 0: unknown key 'vlaue' (did you mean 'value'?)"),
    "time": ({"id": "r", "value": 1, "known": "soon"}, "outcome 0: known is string 'soon'; expected ISO 8601"),
    "far time": (
        {"id": "r", "value": 1, "known": -9e10},
        "outcome 0: known is number -90000000000.0; expected ISO 8601, like 2024-05-01T12:00:00Z, or seconds since "
        "1970; from 1900 to 2200",
    ),
    "no object": (5, "outcome 0 is a number 5; expected an object"),
}


@pytest.mark.parametrize(("outcome", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_outcome_is_said(make, outcome, text):
    with pytest.raises(InvalidRequest) as refusal:
        decode_outcomes(body(outcome), make.schema(), 9)
    assert str(refusal.value).startswith(text)


def test_a_label_of_another_task_is_said(make):
    schema = make.schema(task=Task.BINARY, classes=("no", "yes"))
    with pytest.raises(InvalidRequest, match="outcome 1: value is string 'maybe'; expected 'no' or 'yes'"):
        decode_outcomes(body({"id": "a", "value": "no"}, {"id": "b", "value": "maybe"}), schema, 9)


def test_an_empty_list_of_outcomes_is_said(make):
    with pytest.raises(InvalidRequest, match=r"'outcomes' is list \[\]; expected a list of at least one"):
        decode_outcomes(body(), make.schema(), 9)
