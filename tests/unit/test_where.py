"""Conditions on records: what they select, and what they say of those that are none."""

from contextlib import suppress
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.where import matching
from setpoint.errors import InvalidInput

TABLE = pa.table(
    {
        "id": ["a", "b", "c", "d"],
        "time": pa.array([datetime(2024, 5, day, tzinfo=UTC) for day in (1, 2, 3, 4)], pa.timestamp("us", tz="UTC")),
        "status": pa.array([200, 200, 422, 200], pa.int64()),
        "violations": pa.array([[], ["range:age"], ["type:job", "range:age"], []], pa.list_(pa.string())),
        "maps": pa.array([[], ["x", "m1"], None, None], pa.list_(pa.string())),
        "inputs": pa.array(
            [
                {"age": 20.0, "job": "admin", "label": 1.0, "mean radius": 1.0},
                {"age": 70.0, "job": None, "label": 2.0, "mean radius": 2.0},
                {"age": None, "job": None, "label": None, "mean radius": None},
                {"age": 65.0, "job": "retired", "label": 3.0, "mean radius": 9.0},
            ]
        ),
        "outputs": pa.array([{"label": "no"}, {"label": "yes"}, {"label": None}, {"label": "yes"}]),
        "outcome": ["no", "no", None, None],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("age > 60", "bd"),
        ("age >= 65 and age < 70", "d"),
        ("20 <= age < 70", "ad"),
        ("age == 20 or job == 'retired'", "ad"),
        ("not age > 60", "a"),
        ("age != 20", "bd"),
        ("-1 < inputs.age < +66", "ad"),
        ("inputs['mean radius'] == 9", "d"),
        ("outputs.label == 'yes'", "bd"),
        ("outputs.label != outcome", "b"),
        ("outcome is None", "cd"),
        ("outcome is not None and outputs.label == 'yes'", "b"),
        ("job in ('admin', 'retired')", "ad"),
        ("status not in [200]", "c"),
        ("job not in ('admin',)", "d"),
        ("not job in ('admin',)", "d"),
        ("not job not in ('admin',)", "a"),
        ("age not in [20]", "bd"),
        ("job in () or outcome not in ('yes',)", "ab"),
        ("'x' not in maps", "a"),
        ("'m1' in maps", "b"),
        ("'range:age' in violations", "bc"),
        ("'range:age' not in violations", "ad"),
        ("time >= '2024-05-03'", "cd"),
        ("time < '2024-05-02T02:00+02:00'", "a"),
        ("id == 'a'", "a"),
        ("status == 200.5", ""),
        ("status < 300.5", "abd"),
        ("age + status == 270", "b"),
        ("age * 0.1 == 7 and abs(-inputs['mean radius'] + 1) <= 1", "b"),
        ("age / 0 > 1", "abd"),
        ("(age - age) / 0 == 1 or not (age - age) / 0 == 1", ""),
    ],
)
def test_a_condition_selects_rows(text: str, ids: str) -> None:
    assert "".join(matching(TABLE, text)["id"].to_pylist()) == ids


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agee > 60", r"agee is no column \(did you mean 'age'\?\); there are: id, time, status"),
        ("inputs.jib == 'x'", r"inputs\.jib is none of the inputs \(did you mean 'job'\?\); there are: age, job"),
        ("label == 'yes'", r"label is both an input and an output; write inputs\.label or outputs\.label"),
        ("age > 'old'", "'old' is compared with a number, which it is not"),
        ("job == 3", "3 is compared with text, which it is not"),
        ("job < age", "cannot be compared with age"),
        ("time > 'soon'", r"'soon' is no time; expected ISO 8601"),
        ("1 < 2", "1 is compared with no column"),
        ("age", "age is no condition"),
        ("job + 1 > 2", r"job holds no numbers to compute with"),
        ("1 + 1 < 2", r"1 \+ 1 is compared with no column"),
        ("abs(age, 2) < 2", r"is no column"),
        ("age ** 2 < 2", r"is no column"),
        ("__import__('os').system('true') == 0", "is no column"),
        ("age.__class__ == 1", "is no column"),
        ("(lambda: age)() > 1", "is no column"),
        ("[age for age in id] == 1", "is no column"),
        ("age is job", "cannot stand after `is`; expected None"),
        ("'x' in job", "job holds no lists"),
        ("age in (1, 'x')", "'x' is compared with a number"),
        ("age >", "is no condition: invalid syntax; write for example age > 60"),
        ("", "is no condition: "),
        ("age > 1" + " and age > 1" * 500, r"has 6,007 characters; at most 2,000 are read"),
        ("not " * 490 + "age", "is no condition"),
        ("age == 1\0", "is no condition: "),
        ("status == 1" + "0" * 30, "is no condition: "),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        matching(TABLE, text)


WORDS = ["age", ">", "1", "and", "not", "(", ")", "in", "is", "None", "'a'", "violations", "==", "-", "status"]


@given(st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
def test_any_text_selects_or_is_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert matching(TABLE, text).num_rows <= TABLE.num_rows


@given(st.lists(st.none() | st.floats(-9, 9), min_size=1), st.floats(-9, 9))
def test_a_condition_and_its_negation_leave_out_what_is_missing(values: list[float | None], bound: float) -> None:
    table = pa.table({"x": pa.array(values, pa.float64())})
    kept = matching(table, f"x > {bound!r}").num_rows + matching(table, f"not x > {bound!r}").num_rows
    assert kept == sum(v is not None for v in values)
