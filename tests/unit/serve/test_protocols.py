"""Binary tensors, columns, MLflow's layouts, CSV, packed bodies: what is taken, and what is said of the rest."""

import gzip
import json
import struct
import zlib

import numpy as np
import pytest
import tritonclient.http as triton

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task
from setpoint.errors import InvalidInput
from setpoint.serve.binary import join
from setpoint.serve.body import BodyTooLarge, unpacked
from setpoint.serve.csv_rows import decode_csv
from setpoint.serve.decode import decode_v1
from setpoint.serve.form import Form
from setpoint.serve.invocations import decode_invocation
from setpoint.serve.tensors import decode_v2

FORM = Form(
    Schema(
        features=(
            Feature(name="temp", kind=Kind.NUMERIC, dtype=DType.FLOAT, nullable=True),
            Feature(name="hour", kind=Kind.NUMERIC, dtype=DType.INT),
            Feature(name="holiday", kind=Kind.NUMERIC, dtype=DType.BOOL),
            Feature(name="sky", kind=Kind.CATEGORICAL, dtype=DType.STRING, nullable=True),
        ),
        target="y",
        task=Task.REGRESSION,
        time="at",
        id="key",
    )
)
COLUMNS = [[20.5, None], [7, 8], [True, False], ["clear", "Nebel – ü"]]
SPLIT = {"columns": list(FORM.names), "data": [list(row) for row in zip(*COLUMNS, strict=True)]}
RECORDS = [dict(zip(FORM.names, row, strict=True)) for row in SPLIT["data"]]
LISTS = dict(zip(FORM.names, COLUMNS, strict=True))


def sent(*tensors, outputs=None, **how):
    """What tritonclient sends: the body, and the length of its JSON."""
    inputs = []
    for name, datatype, values, *binary in tensors:
        inputs.append(triton.InferInput(name, list(values.shape), datatype))
        inputs[-1].set_data_from_numpy(values, *binary)
    body, length = triton.InferenceServerClient.generate_request_body(inputs, outputs=outputs, **how)
    return body, None if length is None else str(length).encode()


def framed(document, raw=b"", length=None):
    text = json.dumps(document).encode()
    return text + raw, str(len(text)).encode() if length is None else length


@pytest.mark.parametrize("binary", [True, False])
def test_every_kind_of_field_as_raw_bytes_mixed_with_json(binary):
    texts = np.array([s.encode() for s in COLUMNS[3]], dtype=object).reshape(2, 1)
    body, length = sent(
        ("sky", "BYTES", texts),
        ("hour", "UINT8", np.array([7, 8], np.uint8), binary),
        ("temp", "FP16", np.array([20.5, np.nan], np.float16)),
        ("holiday", "BOOL", np.array([True, False]), binary),
    )
    asked = decode_v2(body, FORM, length)
    assert asked.rows.columns == COLUMNS
    assert asked.binary == {"prediction"}


def test_an_output_says_for_itself_whether_it_is_binary():
    tensor = {"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1]}
    form = Form(
        Schema(
            features=(Feature(name="x", kind=Kind.NUMERIC, dtype=DType.FLOAT),),
            target="y",
            task=Task.BINARY,
            classes=(0, 1),
        )
    )
    for request, outputs, binary in (
        ({}, None, set()),
        ({"binary_data_output": True}, None, {"label", "probability"}),
        ({"binary_data_output": True}, [{"name": "label", "parameters": {"binary_data": False}}], set()),
        ({"binary_data_output": True}, ["label"], {"label"}),
        (
            {"priority": 3},
            [{"name": "probability", "parameters": {"binary_data": True, "classification": 2}}],
            {"probability"},
        ),
    ):
        document = {"inputs": [tensor], "parameters": request, "outputs": outputs}
        assert decode_v2(json.dumps(document).encode(), form).binary == binary


def test_raw_outputs_follow_the_json_in_their_order():
    outputs = [
        {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["no", "yes"]},
        {"name": "flag", "datatype": "BOOL", "shape": [2], "data": [True, False]},
        {"name": "probability", "datatype": "FP64", "shape": [2], "data": [0.25, 0.75]},
    ]
    body, length = join({"outputs": outputs, "id": "q"}, frozenset({"label", "probability"}))
    found = triton.InferenceServerClient.parse_response_body(body, header_length=length)
    assert found.as_numpy("label").tolist() == [b"no", b"yes"]
    assert found.as_numpy("probability").tolist() == [0.25, 0.75]
    assert found.get_output("flag")["data"] == [True, False]
    assert join({"outputs": []}, frozenset()) == (b'{"outputs":[]}', None)


def tensor(size, **more):
    return {"name": "temp", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": size}, **more}


FRAMES = {
    "no header": (
        (json.dumps({"inputs": [tensor(4)]}).encode(), None),
        "the request has no header inference-header-content-length",
    ),
    "beyond": (
        framed({"inputs": []}, b"", b"900"),
        "inference-header-content-length is string '900'; expected the length of the JSON",
    ),
    "negative": (framed({}, b"", b"-1"), "inference-header-content-length is string '-1'"),
    "no number": (framed({}, b"", b"\xb2"), "inference-header-content-length is string '²'"),
    "too few": (
        framed({"inputs": [tensor(8)]}, b"abcd"),
        "input 'temp': expected 8 bytes, as its binary_data_size says, got the last 4 of the body",
    ),
    "too many": (framed({"inputs": [tensor(4)]}, b"abcdefg"), "3 bytes of the body belong to no tensor"),
    "odd size": (
        framed({"inputs": [tensor(3)]}, b"abc"),
        "input 'temp': got 3 bytes; expected 4, for 1 values of FP32",
    ),
    "no size": (
        framed({"inputs": [tensor("4")]}, b"abcd"),
        "input 'temp': binary_data_size is string '4'; expected a number",
    ),
    "true": (
        framed({"inputs": [tensor(True)]}, b"a"),
        "input 'temp': binary_data_size is boolean True; expected a number",
    ),
    "both": (framed({"inputs": [tensor(4, data=[1])]}, b"abcd"), "input 'temp' has both 'data' and binary_data_size"),
    "parameters": (
        framed({"inputs": [{**tensor(4), "parameters": [4]}]}),
        "'parameters' of input 0 is a list [4]; expected an object",
    ),
    "flag": (
        framed({"inputs": [tensor(4)], "parameters": {"binary_data_output": "yes"}}, b"abcd"),
        "the inputs: field 'hour'",
    ),
    "infinite": (
        sent(
            ("temp", "FP32", np.float32([[np.inf]])),
            ("hour", "INT8", np.int8([1])),
            ("holiday", "BOOL", np.bool_([1])),
            ("sky", "BYTES", np.array([b"x"], object)),
        ),
        "row 0, field 'temp': inf; expected a number",
    ),
    "rank": (
        framed({"inputs": [tensor(4, shape=[1] * 9)]}, b"abcd"),
        "input 'temp': shape is list [1, 1, 1, 1, 1, 1, 1, 1, 1]",
    ),
    "text": (
        framed({"inputs": [{**tensor(9), "datatype": "BYTES"}]}, struct.pack("<I", 9) + b"short"),
        "expected 9 bytes, as element 0 says, got the last 5",
    ),
}


@pytest.mark.parametrize(("sent", "text"), FRAMES.values(), ids=FRAMES.keys())
def test_a_frame_that_does_not_fit_is_refused_in_words(sent, text):
    with pytest.raises(InvalidInput) as refusal:
        decode_v2(sent[0], FORM, sent[1])
    assert text in str(refusal.value)
    assert refusal.value.violations


def test_a_flag_is_true_or_false():
    form = Form(Schema(features=FORM.schema.features[:1], target="y", task=Task.REGRESSION))
    inputs = [{"name": "temp", "shape": [1], "datatype": "FP64", "data": [1]}]
    outputs = [{"name": "prediction", "parameters": {"binary_data": 1}}]
    with pytest.raises(InvalidInput, match="output 'prediction': binary_data is number 1; expected true or false"):
        decode_v2(json.dumps({"inputs": inputs, "outputs": outputs}).encode(), form)


def as_json(**document):
    return json.dumps(document).encode()


BOXED = {name: [[value] for value in values] for name, values in LISTS.items()}
LAYOUTS = {
    "split": (decode_invocation, as_json(dataframe_split={**SPLIT, "index": [4, 5]}, params={"x": 1})),
    "split, shuffled": (
        decode_invocation,
        as_json(dataframe_split={"columns": SPLIT["columns"][::-1], "data": [row[::-1] for row in SPLIT["data"]]}),
    ),
    "split, no names": (decode_invocation, as_json(dataframe_split={"data": SPLIT["data"]})),
    "split, numbered": (decode_invocation, as_json(dataframe_split={**SPLIT, "columns": [0, 1, 2, 3]})),
    "records": (decode_invocation, as_json(dataframe_records=RECORDS)),
    "instances": (decode_invocation, as_json(instances=SPLIT["data"])),
    "inputs": (decode_invocation, as_json(inputs=LISTS)),
    "inputs as rows": (decode_invocation, as_json(inputs=RECORDS)),
    "NaN of pandas": (decode_invocation, as_json(inputs=BOXED).replace(b"[null]", b"[NaN]")),
    "columns": (decode_v1, as_json(inputs=LISTS)),
    "columns of one": (decode_v1, as_json(inputs=BOXED)),
    "columns as rows": (decode_v1, as_json(inputs=SPLIT["data"])),
    "CSV": (decode_csv, "temp,hour,holiday,sky\n20.5,7,True,clear\n,8,0,Nebel – ü\n".encode()),
    "CSV of Windows": (
        decode_csv,
        '\ufeffsky,holiday,hour,temp\r\n"clear",TRUE,+7,2.05e1\r\n\r\nNebel – ü,false,8.0,nan'.encode(),
    ),
    "CSV of pandas": (decode_csv, ",temp,hour,holiday,sky\n0,20.5,7,1,clear\n1,NaN,8,False,Nebel – ü\n".encode()),
}


@pytest.mark.parametrize(("decode", "body"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_gives_the_same_rows(decode, body):
    asked = decode(body, FORM)
    assert [list(column) for column in asked.rows.columns] == COLUMNS
    assert asked.columns == (decode is decode_v1)


def test_a_table_carries_time_and_id():
    body = b"key,at,temp,hour,holiday,sky\nr7,2024-05-01T10:00:00Z,1,2,1,x\n8,1714557600,1,2,1,"
    rows = decode_csv(body, FORM).rows
    assert (rows.ids, rows.times_us) == (["r7", "8"], [1_714_557_600_000_000] * 2)


TABLES = {
    "nothing": (
        decode_invocation,
        b"{}",
        "the body has no 'dataframe_split', it has nothing; expected one of dataframe_split, dataframe_records",
    ),
    "two": (
        decode_invocation,
        as_json(instances=[], inputs=[]),
        "the body has 'instances' and 'inputs'; expected one of them",
    ),
    "two of v1": (
        decode_v1,
        as_json(instances=[], inputs=[]),
        "the body has both 'instances' and 'inputs'; expected one",
    ),
    "no data": (
        decode_invocation,
        as_json(dataframe_split={"columns": []}),
        "'dataframe_split' is object {'columns': []}; expected",
    ),
    "no rows": (
        decode_invocation,
        as_json(dataframe_split={**SPLIT, "data": []}),
        "'data' is list []; expected a list of at least one row",
    ),
    "no names": (
        decode_invocation,
        as_json(dataframe_split={**SPLIT, "columns": "temp"}),
        "'columns' is string 'temp'; expected a list of names",
    ),
    "twice": (
        decode_invocation,
        as_json(dataframe_split={**SPLIT, "columns": ["temp", "temp"]}),
        "'columns' has temp twice; expected each name once",
    ),
    "short row": (
        decode_invocation,
        as_json(dataframe_split={**SPLIT, "data": [[1]]}),
        "row 0 is 1 values; expected 4 values: temp, hour",
    ),
    "no row": (
        decode_invocation,
        as_json(dataframe_split={**SPLIT, "data": [1]}),
        "row 0 is a number 1; expected 4 values",
    ),
    "column": (
        decode_v1,
        as_json(inputs={**LISTS, "temp": 1}),
        "'inputs': column 'temp' is a number 1; expected a list of values",
    ),
    "lengths": (
        decode_v1,
        as_json(inputs={**LISTS, "sky": ["x"]}),
        "'inputs': column 'sky' has 1 values, column 'temp' has 2",
    ),
    "no columns": (decode_v1, as_json(inputs={}), "'inputs' is empty; expected at least one row"),
    "empty columns": (decode_v1, as_json(inputs={"temp": []}), "'inputs' is empty; expected at least one row"),
    "infinity": (
        decode_invocation,
        b'{"inputs": [[Infinity, 1, true, "x"]]}',
        "row 0, field 'temp': inf; expected a number",
    ),
    "CSV, empty": (decode_csv, b"\n", "the body is empty; expected CSV: a line with the names of the fields"),
    "CSV, bytes": (
        decode_csv,
        b"temp\n\xff",
        "the body is not CSV, as its content-type says: 'utf-8' codec can't decode byte 0xff",
    ),
    "CSV, quote": (decode_csv, b'temp\n"1', "the body is not CSV, as its content-type says: unexpected end of data"),
    "CSV, header alone": (
        decode_csv,
        b"temp,hour,holiday,sky\n",
        "'data' is list []; expected a list of at least one row",
    ),
    "CSV, no header": (decode_csv, b"1,2,3,x\n1,2,3,x", "the inputs: field 'temp' is missing"),
    "CSV, ragged": (decode_csv, b"temp,hour,holiday,sky\n1,2,1,x,9\n", "row 0 is 5 values; expected 4 values"),
    "CSV, value": (
        decode_csv,
        b"temp,hour,holiday,sky\n1_0,2,1,x\n",
        "row 0, field 'temp': string '1_0'; expected a number",
    ),
    "CSV, infinite": (
        decode_csv,
        b"temp,hour,holiday,sky\ninf,2,1,x\n",
        "row 0, field 'temp': string 'inf'; expected a number",
    ),
    "CSV, missing": (
        decode_csv,
        b"temp,hour,holiday,sky\n1,,1,x\n",
        "row 0, field 'hour': null; expected a whole number",
    ),
}


@pytest.mark.parametrize(("decode", "body", "text"), TABLES.values(), ids=TABLES.keys())
def test_a_table_that_does_not_fit_is_refused_in_words(decode, body, text):
    with pytest.raises(InvalidInput) as refusal:
        decode(body, FORM)
    assert str(refusal.value).startswith(text)
    assert refusal.value.violations


BARE = zlib.compressobj(wbits=-15)
PACKED = {
    "gzip": gzip.compress(b"[1]", mtime=0),
    "x-gzip": gzip.compress(b"[1]", mtime=0),
    "deflate": zlib.compress(b"[1]"),
    "identity": b"[1]",
    "": b"[1]",
}


@pytest.mark.parametrize(("encoding", "body"), [*PACKED.items(), ("deflate", BARE.compress(b"[1]") + BARE.flush())])
def test_a_packed_body_is_unpacked(encoding, body):
    assert unpacked(body, encoding, 3) == b"[1]"


def test_a_body_is_unpacked_no_further_than_the_bound():
    bomb = gzip.compress(b" " * 50_000_000)
    with pytest.raises(BodyTooLarge, match="more than 1,000 bytes when unpacked"):
        unpacked(bomb, "gzip", 1_000)


@pytest.mark.parametrize(
    ("body", "encoding", "text"),
    [
        (b"[1]", "br", "content-encoding 'br' is not read; expected gzip, deflate or none"),
        (
            b"[1]",
            "gzip",
            "expected gzip data, as content-encoding says; the 3 bytes of the body are none: .*incorrect header",
        ),
        (b"", "gzip", "the body is cut short: expected the end of its gzip data, got 0 bytes without it"),
        (PACKED["gzip"][:-4], "gzip", "the body is cut short"),
        (PACKED["gzip"] * 2, "gzip", "expected nothing after the gzip data of the body, got 23 bytes"),
    ],
)
def test_a_body_that_is_not_packed_as_said_is_refused(body, encoding, text):
    with pytest.raises(InvalidInput, match=text):
        unpacked(body, encoding, 1_000)
