"""Messages of the gRPC door against the JSON of the HTTP door: the same rows, the same refusals."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given
from hypothesis import strategies as st

from setpoint.errors import InvalidInput, InvalidRequest, ModelFailed, NotFound, NotReady, TooLarge, Unusable
from setpoint.serve.form import Form
from setpoint.serve.grpc import calls, health_pb2, messages, open_inference_pb2
from setpoint.serve.grpc.open_inference_pb2 import ModelInferRequest, ModelInferResponse
from setpoint.serve.tensors import decode_v2
from setpoint.serve.wire import DATATYPES, to_raw

WIDTH = {"temp": "FP64", "hour": "INT64", "sky": "BYTES", "at": "INT64", "key": "BYTES"}
numbers = st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.fixed_dictionaries(
        {"temp": numbers, "hour": st.integers(-(2**63), 2**63 - 1), "sky": st.text()},
        optional={"at": st.integers(0, 2_000_000_000), "key": st.text(min_size=1, max_size=20)},
    ),
    min_size=1,
    max_size=4,
).filter(lambda rows: len({tuple(row) for row in rows}) == 1)


def as_json(columns, **more):
    inputs = [
        {"name": name, "shape": [len(values)], "datatype": WIDTH[name], "data": values}
        for name, values in columns.items()
    ]
    return json.dumps({"inputs": inputs, **more}).encode()


def as_message(columns, raw, **more):
    request = ModelInferRequest(**more)
    for name, values in columns.items():
        tensor = request.inputs.add(name=name, datatype=WIDTH[name], shape=[len(values)])
        if raw:
            request.raw_input_contents.append(to_raw(WIDTH[name], values))
        else:
            texts = [v.encode() for v in values] if WIDTH[name] == "BYTES" else values
            getattr(tensor.contents, messages.FIELDS[WIDTH[name]]).extend(texts)
    return ModelInferRequest.FromString(request.SerializeToString())


@given(rows, st.booleans(), st.randoms())
def test_equal_rows_are_equal_over_both_protocols(mixed_form, rows, raw, random):
    names = list(rows[0])
    random.shuffle(names)
    columns = {name: [row[name] for row in rows] for name in names}
    ours = messages.asked_of(as_message(columns, raw, id="q"), mixed_form)
    assert ours == decode_v2(as_json(columns, id="q"), mixed_form)


@pytest.fixture(scope="session")
def mixed_form(make):
    return Form(make.schema((*make.features[:2], make.sky)))


anything = st.builds(
    lambda inputs, raws, id_, outputs: ModelInferRequest(
        id=id_, inputs=inputs, raw_input_contents=raws, outputs=[{"name": name} for name in outputs]
    ),
    st.lists(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from([*WIDTH, "x"]) | st.text(max_size=5),
                "datatype": st.sampled_from(sorted(DATATYPES)) | st.text(max_size=5),
                "shape": st.lists(st.integers(0, 4) | st.integers(-(2**63), 2**63 - 1), max_size=3),
            },
            optional={
                "contents": st.fixed_dictionaries(
                    {},
                    optional={
                        "bool_contents": st.lists(st.booleans(), max_size=4),
                        "int_contents": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
                        "int64_contents": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
                        "uint64_contents": st.lists(st.integers(0, 2**64 - 1), max_size=4),
                        "fp32_contents": st.lists(st.floats(width=32), max_size=4),
                        "fp64_contents": st.lists(st.floats(), max_size=4),
                        "bytes_contents": st.lists(st.binary(max_size=4) | st.text().map(str.encode), max_size=4),
                    },
                )
            },
        ),
        max_size=4,
    ),
    st.lists(st.binary(max_size=40), max_size=4),
    st.text(max_size=3),
    st.lists(st.sampled_from(["prediction", "other"]), max_size=2),
)


@given(anything)
def test_whatever_comes_is_taken_or_refused(mixed_form, request_):
    try:
        asked = messages.asked_of(request_, mixed_form)
    except InvalidRequest as e:
        assert e.violations  # noqa: PT017
        str(e).encode()
    else:
        assert asked.rows.n > 0


@pytest.fixture
def numeric(make):
    return Form(make.schema(make.features))


@pytest.mark.parametrize("datatype", sorted(DATATYPES - {"BOOL", "BYTES"}))
def test_every_number_type_is_read_raw_and_typed(numeric, datatype):
    values = [1, 0, 1, 1, 0, 1, 0, 1]
    raw = ModelInferRequest(inputs=[{"name": "x", "datatype": datatype, "shape": [2, 4]}])
    raw.raw_input_contents.append(to_raw(datatype, values))
    found = messages.asked_of(raw, numeric).rows
    assert [list(column) for column in found.columns] == [[1, 0], [0, 1], [1, 0], [1, 1]]
    if datatype in messages.FIELDS:
        typed = ModelInferRequest(inputs=[{"name": "x", "datatype": datatype, "shape": [2, 4]}])
        getattr(typed.inputs[0].contents, messages.FIELDS[datatype]).extend(values)
        assert messages.asked_of(typed, numeric).rows == found


@pytest.mark.parametrize("raw", [True, False])
def test_a_boolean_is_a_field_of_its_own(numeric, raw):
    request = ModelInferRequest()
    given = [("wind", "FP32", 0.5), ("holiday", "BOOL", True), ("hour", "INT8", 7), ("temp", "FP64", 1.5)]
    for name, datatype, value in given:
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[1, 1])
        if raw:
            request.raw_input_contents.append(to_raw(datatype, [value]))
        else:
            getattr(tensor.contents, messages.FIELDS[datatype]).append(value)
    assert messages.asked_of(request, numeric).rows.columns == [[1.5], [7], [True], [0.5]]


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        ({"datatype": "FP16", "shape": [1, 4]}, "FP16 has no field in 'contents'"),
        ({"datatype": "FP64", "shape": [1, 4], "contents": {"fp32_contents": [1] * 4}}, "expected 'fp64_contents'"),
        ({"datatype": "FP64", "shape": [1, 4], "contents": {"fp64_contents": [1] * 3}}, "needs 4 values, got 3"),
        ({"datatype": "FP64", "shape": [1] * 9, "contents": {"fp64_contents": [1]}}, "expected 1 to 8 sizes"),
        ({"datatype": "FP64", "shape": [-1, 4], "contents": {"fp64_contents": [1]}}, "sizes of 0 or more"),
        ({"datatype": "FP64", "shape": [0, 4]}, "is empty"),
        ({"datatype": "FP65", "shape": [1, 4]}, "datatype 'FP65' is unknown"),
    ],
)
def test_a_refusal_says_what_is_wrong(numeric, tensor, text):
    with pytest.raises(InvalidRequest, match=text):
        messages.asked_of(ModelInferRequest(inputs=[{"name": "x", **tensor}]), numeric)


def test_raw_and_typed_do_not_mix(numeric):
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, 4], "contents": {"fp64_contents": [1] * 4}}
    with pytest.raises(InvalidRequest, match="beside 'raw_input_contents'"):
        messages.asked_of(ModelInferRequest(inputs=[tensor], raw_input_contents=[b""]), numeric)
    with pytest.raises(InvalidRequest, match="2 entries for 1 inputs"):
        messages.asked_of(ModelInferRequest(inputs=[tensor], raw_input_contents=[b"", b""]), numeric)


def test_nan_is_a_missing_value(numeric):
    values = [20.0, 1.0, 0.0, float("nan")]
    typed = {"name": "x", "datatype": "FP64", "shape": [1, 4], "contents": {"fp64_contents": values}}
    raw = ModelInferRequest(inputs=[{**typed, "contents": {}}], raw_input_contents=[np.array(values).tobytes()])
    for request in (ModelInferRequest(inputs=[typed]), raw):
        assert messages.asked_of(request, numeric).rows.columns[3] == [None]


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(("classes", "datatype"), [(("no", "é"), "BYTES"), ((0, 1), "INT64"), ((False, True), "BOOL")])
def test_outputs_go_back_as_the_inputs_came(make, classes, datatype, raw):
    schema = make.schema(task="binary", classes=classes)
    target = SimpleNamespace(form=Form(schema), model="m", version="v1")
    answer = {"label": list(classes), "probability": [0.25, 0.75]}
    asked = SimpleNamespace(outputs=("label",))
    response = ModelInferResponse.FromString(messages.response_of(answer, target, "q", asked, raw=raw))
    (output,) = response.outputs
    assert (output.name, output.datatype, list(output.shape)) == ("label", datatype, [2])
    expected = [c.encode() if isinstance(c, str) else c for c in classes]
    if raw:
        assert list(response.raw_output_contents) == [to_raw(datatype, classes)]
    else:
        assert list(getattr(output.contents, messages.FIELDS[datatype])) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest(""), "INVALID_ARGUMENT"), (InvalidInput(), "INVALID_ARGUMENT"), (NotFound(), "NOT_FOUND"),
        (TooLarge(), "RESOURCE_EXHAUSTED"), (NotReady(), "UNAVAILABLE"), (Unusable(), "UNAVAILABLE"),
        (ModelFailed(), "INTERNAL"),
    ],
)  # fmt: skip
def test_every_error_has_its_code(error, code):
    assert calls.code_of(error).name == code


@pytest.mark.parametrize(
    ("peer", "caller"), [("ipv4:10.0.0.1:5000", "10.0.0.1"), ("ipv6:%5B::1%5D:5000", "::1"), ("unix:/tmp/s", "")]
)
def test_a_caller_is_known_by_its_address(peer, caller):
    assert calls.caller_of(peer) == caller


def test_a_long_error_fits_into_a_header():
    assert len(calls.shortened("\U0001f600" * 10_000).encode()) < 2_010


@pytest.mark.parametrize("module", [open_inference_pb2, health_pb2])
def test_what_is_generated_is_what_the_proto_says(tmp_path, module):
    folder = module.__file__.rpartition("/")[0]
    out = tmp_path / "set"
    # in a process of its own: the compiler and other native libraries of the tests do not bear one another
    argv = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"--descriptor_set_out={out}"]
    subprocess.run([*argv, module.DESCRIPTOR.name], check=True)
    (found,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    generated = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    assert re.sub(r"\n *json_name: .*", "", str(found)) == str(generated)


def test_every_field_has_the_number_that_others_give_it():
    theirs = pytest.importorskip("tritonclient.grpc.service_pb2").DESCRIPTOR
    for name, ours in open_inference_pb2.DESCRIPTOR.message_types_by_name.items():
        for field in ours.fields:
            other = theirs.message_types_by_name[name].fields_by_name[field.name]
            assert (field.number, field.type, field.is_repeated) == (other.number, other.type, other.is_repeated)


def a_context(metadata):
    return SimpleNamespace(
        invocation_metadata=lambda: metadata, peer=lambda: "ipv4:10.0.0.1:1", time_remaining=lambda: None
    )


@pytest.mark.parametrize(
    ("metadata", "key"),
    [([("x-routing-key", "ann"), ("x-request-id", "mine")], "ann"), ([("x-request-id", "mine")], "mine")],
)
def test_the_metadata_say_what_chooses_the_version(metadata, key):
    assert calls.call_of(a_context(metadata)).routing_key() == key


def test_without_metadata_the_id_of_the_call_chooses_the_version():
    call = calls.call_of(a_context(None))
    assert call.routing_key() == call.request_id != ""
