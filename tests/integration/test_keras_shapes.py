"""Networks of several inputs and outputs, and SavedModels: what they say of themselves, and their training."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from setpoint.deploy.reference import features_of
from setpoint.deploy.schema import infer_schema
from setpoint.domain.schema import Schema, Task
from setpoint.domain.update import Method
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput
from setpoint.runtime.onnx import OnnxModel

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

N = 400
RNG = np.random.default_rng(0)
NUMBERS, CODES = RNG.normal(size=(N, 2, 3)).astype(np.float32), RNG.integers(0, 4, (N, 1))
WORDS = RNG.choice(np.array(["up", "down"], object), (N, 1))
Y = NUMBERS[:, 0, 0] + CODES[:, 0] + (WORDS[:, 0] == "up")


def importer():
    from setpoint.deploy.importers import keras

    return keras


def a_network(*, texts: bool = True, ends: object = None):
    """A network of a sequence, a code and, unless said otherwise, a text, given as a dict."""
    keras.utils.set_random_seed(0)
    z, b = keras.Input((2, 3), name="z"), keras.Input((1,), name="b", dtype="int32")
    a = keras.Input((1,), name="a", dtype="string")
    parts = [keras.layers.LSTM(4)(z), keras.layers.Flatten()(keras.layers.Embedding(4, 2)(b))]
    if texts:
        parts.append(keras.layers.StringLookup(vocabulary=["up"], output_mode="one_hot")(a))
    h = keras.layers.Concatenate()(parts)
    inputs = {"z": z, "b": b} | ({"a": a} if texts else {})
    return keras.Model(inputs, ends(h) if ends else keras.layers.Dense(1)(h))


def reference(*, texts: bool = True) -> pa.Table:
    columns = {f"z{i}": column for i, column in enumerate(NUMBERS.reshape(N, -1).T.astype(float))}
    return pa.table({**({"a": WORDS[:, 0]} if texts else {}), "b": CODES[:, 0], **columns, "y": Y})


def described(native: object, table: pa.Table) -> Schema:
    said = importer().signature(native)
    return infer_schema(table, target="y", task=Task.REGRESSION, tensors=said.tensors)


def read(folder: Path, model: object, output: str | None = None):
    model.save(folder / "m.keras")
    return importer().answering(importer().read(folder / "m.keras", ()), output)


def test_inputs_given_as_a_dict_are_fed_by_their_names(tmp_path: Path) -> None:
    model = a_network()
    native = read(tmp_path, model)
    schema = described(native, reference())
    assert {t.name: t.features for t in schema.tensors} == {
        "a": ("a",), "b": ("b",), "z": tuple(f"z{i}" for i in range(6))
    }  # fmt: skip
    given = {"a": tf.constant(WORDS), "b": tf.constant(CODES), "z": tf.constant(NUMBERS)}
    found = importer().served(native, schema, 0.5).predict(features_of(reference(), schema.features))["prediction"]
    np.testing.assert_allclose(found, model(given)[:, 0], rtol=1e-5, atol=1e-6)


def test_the_converted_network_takes_the_same_columns(tmp_path: Path) -> None:
    model = a_network(texts=False)
    native = read(tmp_path, model)
    schema = described(native, reference(texts=False))
    found = OnnxModel(importer().to_onnx(native, schema), schema).predict(features_of(reference(), schema.features))
    own = model({"b": tf.constant(CODES), "z": tf.constant(NUMBERS)})[:, 0]
    np.testing.assert_allclose(found["prediction"], own, rtol=1e-4, atol=1e-5)


def two_ends(h: object) -> object:
    return {"up": keras.layers.Dense(1, "sigmoid")(h), "size": keras.layers.Dense(1)(h)}


def test_one_of_several_outputs_is_asked_for_by_its_key(tmp_path: Path) -> None:
    model = a_network(texts=False, ends=two_ends)
    model.save(tmp_path / "m.keras")
    native = importer().read(tmp_path / "m.keras", ())
    with pytest.raises(InvalidInput, match=r"has 2 outputs: size \(None, 1\) linear; up \(None, 1\) sigmoid. Which"):
        importer().answering(native, None)
    with pytest.raises(InvalidInput, match="`output: side`: the network has no such output; it has size, up"):
        importer().answering(native, "side")
    chosen = importer().answering(native, "up")
    assert importer().signature(chosen).task is Task.BINARY
    schema = described(chosen, reference(texts=False))
    found = importer().served(chosen, schema, 0.5).predict(features_of(reference(), schema.features))["prediction"]
    own = model({"b": tf.constant(CODES), "z": tf.constant(NUMBERS)})["up"][:, 0]
    np.testing.assert_allclose(found, own, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("ends", "method"), [(None, Method.CONTINUE), (two_ends, Method.CONTINUE),
                                              (two_ends, Method.REFIT)])  # fmt: skip
def test_training_goes_on_with_texts_codes_and_one_of_several_outputs(
    tmp_path: Path, ends: object, method: Method
) -> None:
    from setpoint.update.trainers import keras as trainer
    from setpoint.update.trainers.request import FitRequest

    output = "size" if ends else None
    model = a_network(ends=ends)
    native = read(tmp_path, model, output)
    schema = replace(described(native, reference()), own_output=output)
    asked = FitRequest(artifact=tmp_path / "m.keras", table=reference(), schema=schema, workdir=tmp_path / "..",
                       method=method)  # fmt: skip
    made = trainer.fit(asked)
    columns, errors = features_of(reference(), schema.features), []
    for path in (tmp_path / "m.keras", made):
        again = importer().answering(importer().read(path, ()), output)
        errors.append(np.abs(importer().served(again, schema, 0.5).predict(columns)["prediction"] - Y).mean())
    assert errors[1] < errors[0]


def saved_model(folder: Path, shape: list[int | None], name: str = "serving_default") -> Path:
    module = tf.Module()
    module.f = tf.function(lambda x: {"y": tf.reduce_sum(x, axis=1)})
    tf.saved_model.save(module, str(folder), {name: module.f.get_concrete_function(tf.TensorSpec(shape, name="x"))})
    return folder


def test_a_saved_model_is_read_by_its_serving_signature(tmp_path: Path) -> None:
    native = importer().answering(importer().read(saved_model(tmp_path / "m", [None, 3], "predict"), ()), None)
    said = importer().signature(native)
    assert (said.width, said.tensors, said.task) == (3, (), None)
    two = tf.Module()
    two.f = tf.function(lambda x: x, input_signature=[tf.TensorSpec([None, 1])])
    tf.saved_model.save(two, str(tmp_path / "two"), {"a": two.f, "b": two.f})
    with pytest.raises(InvalidInput, match=r"two has no signature 'serving_default' \(it has a, b\)"):
        importer().read(tmp_path / "two", ())
    with pytest.raises(InvalidInput, match="input 'x' is for exactly 8 rows at a time"):
        importer().signature(importer().read(saved_model(tmp_path / "eight", [8, 3]), ()))


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_model_that_was_never_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the Sequential in the file has no inputs yet, for it was never built"):
        read(tmp_path, keras.Sequential([keras.layers.Dense(1)]))


def test_a_file_that_keras_cannot_read_tells_who_saved_it(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as good, zipfile.ZipFile(tmp_path / "n.keras", "w") as bad:
        config = json.loads(good.read("config.json"))
        config["config"]["layers"][1]["config"]["depth"] = 7
        bad.writestr("config.json", json.dumps(config))
        bad.writestr("metadata.json", json.dumps({"keras_version": "9.1.2"}))
        bad.writestr("model.weights.h5", good.read("model.weights.h5"))
    with pytest.raises(InvalidInput, match=r"layer 'dense\w*' \(Dense\): .*depth.* Keras 9.1.2 saved it; .*Keras 3"):
        importer().read(tmp_path / "n.keras", ())


def test_an_answer_of_another_shape_is_refused_with_its_layer(tmp_path: Path) -> None:
    picture = keras.layers.Reshape((2, 3), name="picture")
    native = read(tmp_path, keras.Sequential([keras.Input((4,)), keras.layers.Dense(6), picture]))
    with pytest.raises(
        InvalidInput, match=r"'picture' of layer 'picture' \(Reshape\) has shape \(None, 2, 3\) .*Keras 3"
    ):
        importer().signature(native)


def test_outputs_of_one_layer_used_twice_get_numbers(tmp_path: Path) -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    end = keras.layers.Dense(1, name="end")
    native = importer().read(_saved(tmp_path, keras.Model([a, b], [end(a), end(b)])), ())
    assert [o.name for o in native.outputs] == ["output_0", "output_1"]
    x = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(*native.call([tf.constant(x), tf.constant(x)]))


def _saved(folder: Path, model: object) -> Path:
    model.save(folder / "twice.keras")
    return folder / "twice.keras"


def test_reference_rows_of_pandas_hold_images_as_lists(tmp_path: Path) -> None:
    frame = pd.DataFrame({"z": NUMBERS.tolist(), "b": CODES[:, 0], "y": Y})
    frame.to_parquet(tmp_path / "r.parquet", index=False)
    from setpoint.deploy.reference import read_reference

    table = read_reference(tmp_path / "r.parquet")
    assert described(read(tmp_path, a_network(texts=False)), table).names == ("b", *(f"z_{i}" for i in range(6)))
