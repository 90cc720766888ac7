"""Whatever bytes come, a scan ends with what it found or with an error that is meant; it believes no size they tell."""

import json
import pickle
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from setpoint.errors import InvalidInput, Unsafe
from setpoint.govern.scan import SCANNERS, scan
from tests.malicious import graphs
from tests.malicious.archived import DENSE, keras_file
from tests.malicious.directories import transformer
from tests.malicious.pickled import torch_file

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADS = (
    b"",
    b"PK\x03\x04",
    b"\x80\x04\x95",
    b"\x1f\x8b\x08",
    b"\x89HDF\r\n\x1a\n",
    b"CBM1",
    b"tree\n",
    b"{",
    b"x\x9c",
    b"\x08\x08",
)


def real_files(folder: Path) -> list[Path]:
    """Write one small file of each form that is walked, and return what is to be torn of each."""
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    joblib.dump(model, folder / "m.joblib")
    joblib.dump(model, folder / "z.joblib", compress=3)
    skops.io.dump(model, folder / "m.skops")
    keras_file(folder, DENSE)
    graphs.graph(folder / "m.onnx", graphs.onnx.numpy_helper.from_array(np.ones(4, np.float32), "w"))
    torch_file(folder / "m.pt", pickle.dumps({"a": [1.0]}, 2))
    graphs.saved_model(folder, b"Add")
    transformer(folder / "transformer")
    files = [folder / n for n in ("m.joblib", "z.joblib", "m.skops", "model.keras", "m.onnx", "m.pt")]
    return [*files, folder / "model" / "saved_model.pb", folder / "transformer" / "model" / "model.safetensors"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, bytes]]:
    folder = tmp_path_factory.mktemp("real")
    (folder / "transformer").mkdir()
    return [(file, file.read_bytes()) for file in real_files(folder)]


def ends_well(path: Path) -> None:
    with suppress(Unsafe, InvalidInput):
        scan(path)


@few
@given(suffix=st.sampled_from(sorted(SCANNERS)), head=st.sampled_from(HEADS), raw=st.binary(max_size=200))
def test_any_bytes(suffix: str, head: bytes, raw: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"m{suffix}"
    file.write_bytes(head + raw)
    ends_well(file)


@few
@given(data=st.data())
def test_real_files_torn_and_changed(data: st.DataObject, real: list[tuple[Path, bytes]]) -> None:
    file, whole = data.draw(st.sampled_from(real))
    cut = data.draw(st.integers(0, len(whole)))
    changed = bytearray(whole[: data.draw(st.sampled_from((cut, len(whole))))])
    for place in data.draw(st.lists(st.integers(0, max(0, len(changed) - 1)), max_size=3)) if changed else []:
        changed[place] = data.draw(st.integers(0, 255))
    file.write_bytes(changed)
    folder = file.name in ("saved_model.pb", "model.safetensors")
    ends_well(file.parent if folder else file)
    file.write_bytes(whole)


@few
@given(
    config=st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
        lambda inner: (
            st.dictionaries(st.sampled_from(["class_name", "module", "config", "registered_name"]), inner)
            | st.lists(inner, max_size=3)
        ),
    )
)
def test_any_configuration_of_a_network(config: object, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    ends_well(tmp_path / "m.keras")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x05\x96\xff\xff\xff\xff\x0f\x00\x00\x00.",  # a bytearray of 68 GB
        b"\x80\x05\x8e\xff\xff\xff\xff\x0f\x00\x00\x00.",  # bytes of 68 GB
        b"\x80\x04]" + b"2\x86" * 60 + b"}(h\x00K\x01u.",
        b"\x80\x04K\x01" + b"2\x86" * 64 + b"}\x94h\x00K\x01s.",  # a key whose hash takes 2 ** 64 steps
        b"\x80\x04\x8f(K\x01" + b"2\x86" * 64 + b"\x90.",  # the same in a set
        b"\x80\x04(K\x01" + b"2\x86" * 64 + b"\x91.",  # and in a frozen one
    ],
)
def test_a_pickle_takes_neither_memory_nor_time_on_its_word(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(raw)
    tracemalloc.start()
    ends_well(tmp_path / "m.pkl")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50e6
