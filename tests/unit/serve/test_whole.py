"""Inputs sent whole, over every protocol, against the same values sent field by field."""

import json

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
from hypothesis import given
from hypothesis import strategies as st

from setpoint.domain.schema import DType, Feature, Kind, Schema, Task, Tensor
from setpoint.domain.value import replace
from setpoint.errors import InvalidRequest
from setpoint.serve.decode import decode_v1
from setpoint.serve.describe import v2_model
from setpoint.serve.form import Form
from setpoint.serve.grpc import messages
from setpoint.serve.grpc.open_inference_pb2 import ModelInferRequest
from setpoint.serve.invocations import decode_invocation
from setpoint.serve.openapi import openapi
from setpoint.serve.tensors import decode_v2


def numbers(*names: str) -> tuple[Feature, ...]:
    return tuple(Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in names)


SHAPE = (2, 3, 1)
PIXELS = tuple(f"image_{i}" for i in range(6))
IMAGE = Tensor(name="image", shape=SHAPE, dtype="float32", features=PIXELS)
NOTE = Tensor(name="note", shape=(1,), dtype="string", features=("words",))
SIZE = Tensor(name="size", shape=(2,), dtype="float32", features=("size", "weight"))
WORDS = Feature(name="words", kind=Kind.CATEGORICAL, dtype=DType.STRING)
ONE = Schema(features=numbers(*PIXELS), target="y", task=Task.REGRESSION, tensors=(IMAGE,), id="key")
MANY = Schema(
    features=(*numbers(*PIXELS), WORDS, *numbers("size", "weight")), target="y", task=Task.REGRESSION,
    tensors=(IMAGE, NOTE, SIZE),
)  # fmt: skip
images = st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=6, max_size=6), min_size=1, max_size=4)


def v1(document: object, schema: Schema) -> list[list[object]]:
    return [list(column) for column in decode_v1(json.dumps(document).encode(), Form(schema)).rows.columns]


@given(images)
def test_an_image_is_its_fields_over_every_protocol(flat: list[list[float]]) -> None:
    array = np.array(flat, np.float32).reshape(-1, *SHAPE)
    nested, expected = array.tolist(), [list(column) for column in zip(*flat, strict=True)]
    assert v1({"instances": nested}, ONE) == expected
    assert v1({"instances": flat}, ONE) == expected
    assert v1({"instances": array[..., 0].tolist()}, ONE) == expected  # an axis of length one may be left out
    assert v1({"instances": [{"image": row} for row in nested]}, ONE) == expected
    assert v1({"inputs": {"image": nested}}, ONE) == expected
    assert v1({"instances": [dict(zip(PIXELS, row, strict=True)) for row in flat]}, ONE) == expected
    split = {"dataframe_split": {"columns": ["image"], "data": [[row] for row in nested]}}
    assert [list(c) for c in decode_invocation(json.dumps(split).encode(), Form(ONE)).rows.columns] == expected
    for binary in (True, False):
        given = triton.InferInput("image", list(array.shape), "FP32")
        given.set_data_from_numpy(array, binary)
        body, length = triton.InferenceServerClient.generate_request_body([given])
        asked = decode_v2(body, Form(ONE), None if length is None else str(length).encode())
        assert [list(c) for c in asked.rows.columns] == expected


@given(images)
def test_several_tensors_over_grpc_and_by_record(flat: list[list[float]]) -> None:
    array = np.array(flat, np.float32).reshape(-1, *SHAPE)
    words, size = np.array([[f"w{i}".encode()] for i in range(len(flat))], object), np.float32(array[:, :, 0, 0])
    request = ModelInferRequest()
    for name, datatype, values in (("size", "FP32", size), ("image", "FP32", array), ("note", "BYTES", words)):
        given = triton_grpc.InferInput(name, list(values.shape), datatype)
        given.set_data_from_numpy(values)
        request.inputs.append(ModelInferRequest.InferInputTensor.FromString(given._get_tensor().SerializeToString()))
        request.raw_input_contents.append(given._get_content())
    columns = [list(column) for column in messages.asked_of(request, Form(MANY)).rows.columns]
    assert columns == [*map(list, zip(*flat, strict=True)), [f"w{i}" for i in range(len(flat))], *size.T.tolist()]
    records = [
        {"image": image, "note": f"w{i}" if i % 2 else [f"w{i}"], "size": pair}
        for i, (image, pair) in enumerate(zip(array.tolist(), size.tolist(), strict=True))
    ]
    assert v1({"instances": records}, MANY) == columns


def test_a_field_may_have_the_name_of_a_tensor() -> None:
    row = dict(zip(PIXELS, range(6), strict=True)) | {"words": "x", "size": 1.0, "weight": 2.0}
    assert v1({"instances": [row]}, MANY)[-2:] == [[1.0], [2.0]]
    tensors = [{"name": n, "shape": [1], "datatype": "BYTES" if n == "words" else "FP64", "data": [v]}
               for n, v in row.items()]  # fmt: skip
    assert decode_v2(json.dumps({"inputs": tensors}).encode(), Form(MANY)).rows.columns[-1] == [2.0]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"instances": [[[1, 2]]]}, r"row 0, input 'image': got shape \[1, 2\]; expected lists of shape \[2, 3, 1\]"),
        ({"instances": [{"image": [[[1], [2]], [[1], [2]]]}]}, r"got shape \[2, 2, 1\]"),
        ({"instances": [{"image": [[[1], [2], [3]], [[1], [2]]]}]}, "got a list of 2 along axis 1"),
        ({"instances": [{"image": [[[1], [2], 3], [[1], [2], [3]]]}]}, "got number 3 along axis 2"),
        ({"instances": [{"image": [[[1], [2], [[3]]], [[1], [2], [3]]]}]}, "field 'image_2': list"),
        ({"instances": [{"image": []}]}, r"got shape \[0\]"),
        ({"instances": [{"image": 7}]}, "got number 7; expected"),
        ({"inputs": {"image": [[[1, 2, 3]]]}}, r"row 0, input 'image': got shape \[1, 3\]"),
        ({"instances": [{"image": [[["a"], [2], [3]], [[1], [2], [3]]]}]}, "field 'image_0': string 'a'"),
    ],
)
def test_another_shape_is_refused_in_words(document: object, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        v1(document, ONE)


def test_a_tensor_that_is_missing_is_called_by_its_own_name() -> None:
    with pytest.raises(InvalidRequest, match=r"field 'image' is missing \(nearest given: 'imag'\)") as refused:
        v1({"instances": [{"imag": [1] * 6, "note": "x", "size": [1, 2]}]}, MANY)
    assert refused.value.violations == ("missing:image", "extra:imag")
    with pytest.raises(InvalidRequest, match=r"field 'image_5' is missing"):
        v1({"instances": [dict.fromkeys(PIXELS[:5], 1.0)]}, ONE)


def test_a_tensor_of_another_shape_is_refused_in_words() -> None:
    tensor = {"name": "image", "shape": [1, 3, 2], "datatype": "FP32", "data": [0] * 6}
    with pytest.raises(InvalidRequest, match=r"input 'image': shape \[1, 3, 2\]; expected \[1, 2, 3, 1\]"):
        decode_v2(json.dumps({"inputs": [tensor]}).encode(), Form(ONE))
    assert decode_v2(json.dumps({"inputs": [tensor | {"shape": [1, 2, 1, 3]}]}).encode(), Form(ONE)).rows.n == 1


def test_metadata_and_document_tell_the_tensors(make) -> None:
    table = make.table(schema=MANY, name="m")
    route = table.routes["m"]
    described = {t["name"]: (t["datatype"], t["shape"]) for t in v2_model(route.champion, route)["inputs"]}
    assert described == {"image": ("FP32", [-1, 2, 3, 1]), "note": ("BYTES", [-1, 1]), "size": ("FP32", [-1, 2])}
    v1_body = openapi(table, "1")["paths"]["/v1/models/m:predict"]["post"]["requestBody"]["content"]["application/json"]
    row = v1_body["schema"]["anyOf"][0]["properties"]["instances"]["anyOf"][0]["items"]
    assert row["properties"]["image"]["maxItems"] == 2
    assert row["properties"]["note"] == {"type": "string"}


def test_a_tensor_goes_by_the_column_of_lists_it_was_spread_from() -> None:
    schema = replace(ONE, tensors=(replace(IMAGE, name="x"),))
    row = [float(i) for i in range(6)]
    assert v1({"instances": [{"image": row}]}, schema) == v1({"instances": [{"x": row}]}, schema) == [[v] for v in row]
    assert v1({"instances": np.reshape(row, (1, *SHAPE)).tolist()}, schema) == [[v] for v in row]
