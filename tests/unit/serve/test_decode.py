"""Bodies to rows: what is taken, and what is said about what is not."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput, InvalidRequest
from setpoint.serve.decode import Malformed, decode_v1
from setpoint.serve.form import Form
from setpoint.serve.tensors import decode_v2

ROW = [20.5, 7, True, None]
RECORD = dict(zip(("temp", "hour", "holiday", "wind"), ROW, strict=True))
SMALL = Form(
    Schema(
        features=(
            Feature(name="a", kind=Kind.NUMERIC, dtype=DType.FLOAT),
            Feature(name="b", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
        ),
        target="y",
        task=Task.REGRESSION,
    )
)


def v1(instances):
    return json.dumps({"instances": instances}).encode()


def tensor(name, data, datatype="FP64", shape=None):
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


def v2(*inputs, **more):
    return json.dumps({"inputs": inputs, **more}).encode()


def by_feature(*rows):
    kinds = {"temp": "FP32", "hour": "INT64", "holiday": "BOOL", "wind": "FP64"}
    return [tensor(name, [row[j] for row in rows], kind) for j, (name, kind) in enumerate(kinds.items())]


@pytest.mark.parametrize("n", [1, 3])
def test_every_way_to_send_rows_gives_the_same_columns(form, n):
    rows = [[20.5 + i, 7 + i, i % 2, 3.5] for i in range(n)]
    records = [dict(zip(form.names, row, strict=True)) for row in rows]
    backwards = [dict(reversed(record.items())) for record in records]
    flat = [v for row in rows for v in row]
    ways = [
        decode_v1(v1(rows), form).rows,
        decode_v1(v1(records), form).rows,
        decode_v1(v1(backwards), form).rows,
        decode_v2(v2(*by_feature(*rows)), form).rows,
        decode_v2(v2(*reversed(by_feature(*rows))), form).rows,
        decode_v2(v2(tensor("x", flat, "FP32", [n, 4])), form).rows,
        decode_v2(v2(tensor("x", rows, "FP32", [n, 4])), form).rows,
    ]
    for way in ways:
        columns = form.stack([way])
        assert [columns[name].tolist() for name in form.names] == [[row[j] for row in rows] for j in range(4)]


def test_null_becomes_nan_and_values_stay_as_they_came(form):
    rows = decode_v1(v1([ROW]), form).rows
    assert rows.columns == [[20.5], [7], [True], [None]]
    columns = form.stack([rows])
    assert np.isnan(columns["wind"][0])
    assert columns["holiday"].dtype == np.float64


def test_a_record_carries_its_time_and_id(form):
    rows = decode_v1(v1([{**RECORD, "at": "2024-05-01T12:00:00+02:00", "key": "r7"}, {**RECORD, "key": 8}]), form).rows
    assert rows.ids == ["r7", "8"]
    assert rows.times_us == [1_714_557_600_000_000, None]


def test_tensors_carry_time_and_id(form):
    asked = decode_v2(v2(*by_feature(ROW), tensor("at", [1_714_557_600], "INT64"), tensor("key", ["k"], "BYTES")), form)
    assert (asked.rows.ids, asked.rows.times_us) == (["k"], [1_714_557_600_000_000])


def test_strings_and_unseen_levels_are_let_through(mixed):
    rows = decode_v1(v1([[99_999, 3, "fog"]]), mixed).rows
    assert mixed.stack([rows])["sky"].tolist() == ["fog"]


def test_whole_numbers_may_be_written_with_a_point(form):
    assert decode_v1(v1([[1, 7.0, 1.0, 2]]), form).rows.columns == [[1], [7.0], [1.0], [2]]


def test_a_category_sent_as_a_number_is_spelled_as_in_the_reference():
    code = Feature(name="code", kind=Kind.CATEGORICAL, dtype=DType.INT)
    form = Form(Schema(features=(code,), target="y", task=Task.REGRESSION))
    assert form.stack([decode_v1(v1([[3], [4.0]]), form).rows])["code"].tolist() == ["3", "4"]


V1_REFUSALS = {
    "misnamed": (
        [{"tmep": 1, "hour": 1, "holiday": True, "wind": 1}],
        "row 0: field 'temp' is missing (nearest given: 'tmep'), 'tmep' is no field (did you mean 'temp'?). "
        "Expected fields: temp, hour, holiday, wind",
        ("missing:temp", "extra:tmep"),
    ),
    "missing": (
        [RECORD, {"hour": 1, "holiday": True, "wind": 1}],
        "row 1: field 'temp' is missing. Expected fields: temp, hour, holiday, wind",
        ("missing:temp",),
    ),
    "extra": (
        [{**RECORD, "humidity": 1}],
        "row 0: 'humidity' is no field. Expected fields: temp, hour, holiday, wind",
        ("extra:humidity",),
    ),
    "string for number": (
        [ROW, ["12", 1, True, 1]],
        "row 1, field 'temp': string '12'; expected a number",
        ("type:temp",),
    ),
    "boolean for number": (
        [[True, 1, True, 1]],
        "row 0, field 'temp': boolean True; expected a number",
        ("type:temp",),
    ),
    "fraction for whole": (
        [[1, 1.5, True, 1]],
        "row 0, field 'hour': number 1.5; expected a whole number",
        ("type:hour",),
    ),
    "number for boolean": (
        [[1, 1, 2, 1]],
        "row 0, field 'holiday': number 2; expected true or false",
        ("type:holiday",),
    ),
    "list for number": ([[[1], 1, True, 1]], "row 0, field 'temp': list [1]; expected a number", ("type:temp",)),
    "null": (
        [[None, 1, True, 1]],
        "row 0, field 'temp': null; expected a number, for the reference has no missing value here",
        ("null:temp",),
    ),
    "huge": (
        [[10**30, 1, True, 1]],
        f"row 0, field 'temp': number {10**30}; expected a number within 64 bits",
        ("type:temp",),
    ),
    "narrow": ([[1, 2, 3]], "row 0 has 3 values; expected 4: temp, hour, holiday, wind", ("shape:3",)),
    "empty": ([], "'instances' is empty; expected at least one row", ("empty:instances",)),
    "no list": (7, "'instances' is a number 7; expected a list of rows", ("shape:instances",)),
    "scalar row": (
        [7],
        "row 0 is a number 7; expected a list of 4 values, or an object with the fields: temp, hour, holiday, wind",
        ("shape:row",),
    ),
    "mixed rows": (
        [RECORD, ROW],
        "row 1 is a list [20.5, 7, True, None]; expected an object, as row 0 is",
        ("shape:row",),
    ),
    "id": (
        [{**RECORD, "key": 1.5}],
        "row 0, id 'key': number 1.5; expected a string of 1 to 256 characters",
        ("type:key",),
    ),
    "time": (
        [{**RECORD, "at": "yesterday"}],
        "row 0, time 'at': string 'yesterday'; expected ISO 8601, like 2024-05-01T12:00:00Z, or seconds since 1970; "
        "from 1900 to 2200",
        ("type:at",),
    ),
    "far time": (
        [{**RECORD, "at": "9999-12-31T23:59:59-14:00"}],
        "row 0, time 'at': string '9999-12-31T23:59:59-14:00'; expected ISO 8601, like 2024-05-01T12:00:00Z, or "
        "seconds since 1970; from 1900 to 2200",
        ("type:at",),
    ),
}


@pytest.mark.parametrize(("instances", "text", "violations"), V1_REFUSALS.values(), ids=V1_REFUSALS.keys())
def test_what_v1_refuses_is_said(form, instances, text, violations):
    with pytest.raises(InvalidRequest) as refusal:
        decode_v1(v1(instances), form)
    assert (str(refusal.value), refusal.value.violations) == (text, violations)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_nan_in_the_text_is_located(form, word):
    body = b'{"instances": [[1, 2, true, 3], [%s, 2, true, 3]]}' % word.encode()
    with pytest.raises(
        InvalidRequest, match=r"row 1, field 'temp': .*expected a number \(JSON has neither NaN"
    ) as refusal:
        decode_v1(body, form)
    assert refusal.value.violations == ("nan:temp",)


def test_nan_for_a_missing_value_gets_a_hint(form):
    with pytest.raises(InvalidRequest, match="send null for a missing value"):
        decode_v1(b'{"instances": [[1, 2, true, NaN]]}', form)


BROKEN = {
    "empty": (b"", "the body is empty; expected JSON"),
    "cut": (b'{"instances": [[1,', "the body is not JSON: Input data was truncated after 18 bytes"),
    "wrong": (b'{"instances": [[1,, 2]]}', "the body is not JSON: .*byte 18.*near .*1,, 2"),
    "form": (b"a=1&b=2", r"the body is not JSON: invalid character \(byte 0\), near 'a=1&b=2'"),
    "bytes": (b'{"instances": ["\xff"]}', "the body is not JSON: .*position"),
    "deep": (b'{"instances":' + b"[" * 100_000, "the body is nested too deeply"),
    "surrogate": (b'{"instances": [["\\ud800"]]}', "the body is not JSON"),
}


@pytest.mark.parametrize(("body", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_json_is_said_with_its_place(form, body, text):
    with pytest.raises(Malformed, match=text):
        decode_v1(body, form)


def test_a_body_without_its_main_key_shows_what_it_should_be(form):
    with pytest.raises(
        InvalidRequest, match=r"has no 'instances', it has instance \(did you mean 'instances'\?\); expected"
    ):
        decode_v1(b'{"instance": [[1]]}', form)
    with pytest.raises(InvalidRequest, match=r"the body is a list .*; expected"):
        decode_v2(b"[1]", form)


V2_REFUSALS = {
    "no tensors": ([], "'inputs' is list []; expected a list of tensors", ("empty:inputs",)),
    "no shape": ([{"name": "x", "datatype": "FP32", "data": [1]}], "input 0 has no 'shape'", ("missing:shape",)),
    "datatype": (
        [tensor("temp", [1], "FLOAT")],
        "input 'temp': datatype 'FLOAT' is unknown; known: BOOL",
        ("type:temp",),
    ),
    "size": ([tensor("temp", [1, 2], shape=[3])], "input 'temp': shape [3] needs 3 values, got 2", ("shape:temp",)),
    "empty": ([tensor("temp", [], shape=[0, 4])], "input 'temp' is empty; expected at least one row", ("empty:temp",)),
    "width": (
        [tensor("x", [1, 2, 3], shape=[1, 3])],
        "input 'x': got 3 numbers a row, expected 4: temp, hour, holiday, wind",
        ("shape:3",),
    ),
    "twice": ([tensor("temp", [1]), tensor("temp", [1])], "input 'temp' is given twice", ("extra:temp",)),
    "lengths": (
        [tensor("temp", [1, 2]), tensor("hour", [1])],
        "input 'hour': shape [1]; expected [2] or [2, 1]",
        ("shape:hour",),
    ),
    "bytes": (
        [tensor("temp", ["1"], "BYTES")],
        "input 'temp': datatype BYTES; expected a number type or BOOL",
        ("type:temp",),
    ),
    "missing": (by_feature(ROW)[1:], "the inputs: field 'temp' is missing. Expected", ("missing:temp",)),
    "value": (
        [tensor("temp", ["x"], "FP32"), *by_feature(ROW)[1:]],
        "row 0, field 'temp': string 'x'; expected a number",
        ("type:temp",),
    ),
}


@pytest.mark.parametrize(("inputs", "text", "violations"), V2_REFUSALS.values(), ids=V2_REFUSALS.keys())
def test_what_v2_refuses_is_said(form, inputs, text, violations):
    with pytest.raises(InvalidRequest) as refusal:
        decode_v2(v2(*inputs), form)
    assert str(refusal.value).startswith(text)
    assert refusal.value.violations == violations


def test_one_tensor_needs_fields_that_are_all_numbers(mixed):
    with pytest.raises(InvalidRequest, match="send one tensor for each of: temp, hour, sky"):
        decode_v2(v2(tensor("x", [1, 2, 3], shape=[1, 3])), mixed)


def test_an_unknown_output_is_named(form):
    with pytest.raises(InvalidRequest, match="there is no output 'score'; known: prediction"):
        decode_v2(v2(*by_feature(ROW), outputs=[{"name": "score"}]), form)


def test_an_id_that_cannot_be_a_header_is_refused(form):
    with pytest.raises(InvalidRequest, match=r"'id' is .*; expected 1 to 128 printable characters"):
        decode_v2(v2(*by_feature(ROW), id="a\nb"), form)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["instances", "inputs", "a", "b", "name", "shape", "datatype", "data", "id"]), inner
        )
    ),
    max_leaves=20,
)


@given(documents, st.sampled_from([decode_v1, decode_v2]))
def test_any_document_is_taken_or_refused_with_a_reason(document, decode):
    """Whatever comes, it ends in rows or in an error meant for the caller."""
    for body in (json.dumps(document).encode(), json.dumps({"instances": document, "inputs": document}).encode()):
        with suppress(InvalidInput):
            decode(body, SMALL)


@given(st.binary(max_size=60), st.sampled_from([decode_v1, decode_v2]))
def test_any_bytes_are_taken_or_refused_with_a_reason(body, decode):
    with suppress(InvalidInput):
        assert decode(body, SMALL)


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6) | st.integers(-(2**63), 2**63 - 1), st.none() | st.text(max_size=5)), min_size=1
    )
)
def test_rows_survive_the_way_in(rows):
    """What is sent is what the model sees, whatever the number of rows, for any value that fits."""
    columns = SMALL.stack([decode_v1(v1([list(row) for row in rows]), SMALL).rows])
    assert columns["a"].tolist() == [float(a) for a, _ in rows]
    assert columns["b"].tolist() == [b for _, b in rows]
