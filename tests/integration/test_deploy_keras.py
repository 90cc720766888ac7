"""Keras models through the same path: scanned, converted, proven, served."""

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from setpoint import runtime
from setpoint.deploy.package import PackageRequest, package
from setpoint.deploy.parity import tolerance
from setpoint.deploy.reference import features_of, read_reference
from setpoint.domain.schema import Task
from setpoint.domain.value import replace
from setpoint.errors import InvalidInput, Unsafe
from setpoint.govern.scan import scan
from setpoint.loop.verbs.proposal import propose_setpoint

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {
        "diabetes": load_diabetes(as_frame=True, scaled=False).frame,
        "cancer": load_breast_cancer(as_frame=True).frame,
    }


def network(table: pd.DataFrame, *end: object, loss: object, steps: int = 2):
    keras.utils.set_random_seed(0)
    X, y = table.drop(columns="target").to_numpy(np.float32), table["target"].to_numpy(np.float32)
    scale = keras.layers.Normalization()
    scale.adapt(X)
    model = keras.Sequential([keras.Input((X.shape[1],)), scale, keras.layers.Dense(16, "relu"), *end])
    model.compile("adam", loss)
    model.fit(X, y, epochs=steps, verbose=0)
    return model


def packaged(tmp_path: Path, model, table: pd.DataFrame, name: str = "m.keras", task: Task | None = None):
    artifact, reference, staged = tmp_path / name, tmp_path / "r.parquet", tmp_path / "staged"
    model.save(artifact)
    table.to_parquet(reference)
    staged.mkdir()
    asked = PackageRequest(
        model="m", version="v1", artifact=artifact, reference=reference, target="target", task=task,
        created=datetime(2024, 1, 1, tzinfo=UTC), reason="test", trusted=scan(artifact),
    )  # fmt: skip
    return package(asked, staged), staged


def both(version, staged: Path) -> tuple[dict, dict]:
    columns = features_of(read_reference(staged / "reference.parquet"), version.schema.features)
    ways = (replace(version, runtime=way) for way in ("onnxruntime", "native"))
    onnx, native = (runtime.load(staged, way).predict(columns) for way in ways)
    return onnx, native


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_network_for_numbers(tmp_path: Path, tables, name: str) -> None:
    model = network(tables["diabetes"], keras.layers.Dense(1), loss="mse")
    version, staged = packaged(tmp_path, model, tables["diabetes"], name)
    assert (version.framework, version.schema.task) == ("keras", Task.REGRESSION)
    assert version.runtime == "onnxruntime", version.variants
    onnx, native = both(version, staged)
    # of the spread: a prediction near zero has no digits to compare by its own size
    near = tolerance(native["prediction"], Task.REGRESSION)
    np.testing.assert_allclose(onnx["prediction"], native["prediction"], rtol=0, atol=near)
    X = tables["diabetes"].drop(columns="target").to_numpy(np.float32)
    np.testing.assert_allclose(native["prediction"], model.predict(X, verbose=0)[:, 0], rtol=0, atol=near)


@pytest.mark.parametrize(("units", "end"), [(1, "sigmoid"), (2, "softmax")])
def test_a_network_for_two_classes(tmp_path: Path, tables, units: int, end: str) -> None:
    loss = "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy"
    model = network(tables["cancer"], keras.layers.Dense(units, end), loss=loss)
    version, staged = packaged(tmp_path, model, tables["cancer"])
    assert version.schema.task is Task.BINARY
    assert version.schema.classes == (0, 1)
    onnx, native = both(version, staged)
    np.testing.assert_allclose(onnx["probability"], native["probability"], atol=1e-5)
    assert set(onnx["label"].tolist()) <= {0, 1}


def test_a_network_that_gives_logits_is_no_classifier(tmp_path: Path, tables) -> None:
    logits = keras.losses.BinaryCrossentropy(from_logits=True)
    model = network(tables["cancer"], keras.layers.Dense(1), loss=logits)
    with pytest.raises(InvalidInput, match=r"made for regression.* end it with a sigmoid"):
        packaged(tmp_path, model, tables["cancer"], task=Task.BINARY)


def test_inputs_are_counted(tmp_path: Path, tables) -> None:
    model = network(tables["diabetes"], keras.layers.Dense(1), loss="mse", steps=1)
    with pytest.raises(InvalidInput, match="takes 10 inputs without names, and the reference offers 11: age, sex"):
        packaged(tmp_path, model, tables["diabetes"].assign(extra=1.0))


def test_a_lambda_is_refused_in_both_formats(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    for name in ("m.keras", "m.h5"):
        with pytest.raises(Unsafe, match=rf"{name} holds .*Lambda"):
            scan(tmp_path / name)


def test_weights_alone_and_links_are_refused(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["w"] = np.zeros(3)
    with pytest.raises(Unsafe, match="holds weights and no model"):
        scan(tmp_path / "w.h5")
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["passwd"] = h5py.ExternalLink("/etc/other.h5", "/x")
    with pytest.raises(Unsafe, match="is a link to elsewhere"):
        scan(tmp_path / "l.h5")
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file.create_dataset("d", (3,), "i1", external="/etc/passwd")
    with pytest.raises(Unsafe, match="keeps its data in another file"):
        scan(tmp_path / "e.h5")


def test_a_proposal_asks_for_the_target_and_says_how_it_measured(tmp_path: Path, tables) -> None:
    network(tables["diabetes"], keras.layers.Dense(1), loss="mse").save(tmp_path / "m.keras")
    tables["diabetes"].to_parquet(tmp_path / "r.parquet")
    with pytest.raises(InvalidInput, match="name it with --target"):
        propose_setpoint(tmp_path / "m.keras", tmp_path / "r.parquet", tmp_path)
    text = propose_setpoint(tmp_path / "m.keras", tmp_path / "r.parquet", tmp_path, target="target")
    assert "task: regression" in text
    assert "flatters it" in text
