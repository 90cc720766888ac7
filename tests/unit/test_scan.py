"""What would run is named, and never runs."""

import builtins
import bz2
import gzip
import io
import json
import os
import pickle
import pydoc
import subprocess
import timeit
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from setpoint.errors import InvalidInput, Unsafe
from setpoint.govern.scan import scan


class Calls:
    """Pickles into a call of `function`."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


def attacks(canary: Path) -> dict[str, Any]:
    touch, python = f"touch {canary}", f"open({str(canary)!r}, 'w')"
    system = Calls(os.system, touch)
    return {
        "system": system,
        "popen": Calls(subprocess.Popen, ["touch", str(canary)]),
        "eval": Calls(builtins.eval, python),
        "exec": Calls(builtins.exec, python),
        "open": Calls(builtins.open, str(canary), "w"),
        "timeit": Calls(timeit.timeit, python),
        "pydoc": Calls(pydoc.pipepager, "", touch),
        "nested": Calls(pickle.loads, pickle.dumps(system)),
        "getattr": Calls(builtins.getattr, "", "join"),
        "in_a_model": make_pipeline(StandardScaler(), FunctionTransformer(system)),
        "in_an_object_array": np.array([system, 1], dtype=object),
    }


ATTACKS = sorted(attacks(Path("canary")))


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def refused(path: Path, canary: Path) -> str:
    with pytest.raises(Unsafe) as caught:
        scan(path)
    assert not canary.exists()
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("compress", [0, ("gzip", 3), ("zlib", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)], ids=str)
def test_a_joblib_file_that_acts_is_refused_and_does_not_act(
    tmp_path: Path, canary: Path, name: str, compress: Any
) -> None:
    path = tmp_path / "m.joblib"
    arrays = [np.arange(1000.0), attacks(canary)[name], np.zeros((3, 4))]
    joblib.dump(arrays, path, compress=compress)
    message = refused(path, canary)
    assert "not known to be safe" in message or "run commands or code" in message


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_acts_is_refused_and_does_not_act(tmp_path: Path, canary: Path, name: str, protocol: int) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps({"weights": np.ones(5), "extra": attacks(canary)[name]}, protocol))
    refused(path, canary)


def test_the_attacks_would_have_acted(tmp_path: Path, canary: Path) -> None:
    """The scan is tested against files that do act when they are loaded."""
    path = tmp_path / "m.joblib"
    joblib.dump([np.arange(1000.0), attacks(canary)["system"]], path)
    joblib.load(path)
    assert canary.exists()


def test_a_call_after_the_first_pickle_ends_is_no_matter(tmp_path: Path, canary: Path) -> None:
    """Loading stops at the first end; so does the scan, which says nothing of what is never read."""
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps([1, 2]) + pickle.dumps(attacks(canary)["system"]))
    assert scan(path) == ()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", "os.system"),
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"(S'true'\nios\nsystem\n.", "os.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "builtins.eval"),
        # through the attributes of a known module: sklearn.ensemble._forest imports threading
        (b"\x80\x04\x8c\x18sklearn.ensemble._forest\x8c\x10threading.Thread\x93.", "threading.Thread"),
        # the name of the import is computed, not written
        (b"\x80\x04\x8c\x02os]\x93.", "cannot be followed"),
        (b"\x80\x04\x82\x01.", "cannot be followed"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.", "cannot be followed"),
        (b"not a pickle", "cannot be followed"),
        (b"", "cannot be followed"),
    ],
)
def test_odd_streams_are_refused(tmp_path: Path, canary: Path, raw: bytes, why: str) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(raw)
    assert why in refused(path, canary).replace(":", ".")


def test_an_array_that_hides_opcodes_is_refused(tmp_path: Path, canary: Path) -> None:
    """A wrapper made other than joblib makes it would move where the loader reads on; it is refused."""
    path = tmp_path / "m.joblib"
    path.write_bytes(
        b"\x80\x04ccopyreg\n_reconstructor\n(cjoblib.numpy_pickle\nNumpyArrayWrapper\nc__builtin__\nobject\nNtR}b."
    )
    assert "unusual" in refused(path, canary)


def test_a_torn_file_is_refused(tmp_path: Path, canary: Path) -> None:
    path = tmp_path / "m.joblib"
    joblib.dump(np.arange(1000.0), path)
    path.write_bytes(path.read_bytes()[:-100])
    assert "ends inside an array" in refused(path, canary)


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress], ids=["gzip", "bz2"])
def test_a_bomb_is_refused(tmp_path: Path, canary: Path, squeeze: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(squeeze(bytes(2**28)))
    refused(path, canary)


MODELS = {
    "forest": RandomForestRegressor(3, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]),
    "search": GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2),
    "function": make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
    "columns": make_pipeline(
        make_column_transformer((OneHotEncoder(), [0]), remainder="passthrough"), LogisticRegression()
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("suffix", [".joblib", ".joblib.gz", ".pkl", ".skops"])
def test_ordinary_models_pass(tmp_path: Path, name: str, suffix: str) -> None:
    rng = np.random.default_rng(0)
    X, y = np.column_stack([rng.integers(0, 3, 60), rng.random((60, 2))]), rng.integers(0, 2, 60)
    model, path = MODELS[name].fit(X, y), tmp_path / f"m{suffix}"
    match suffix:
        case ".skops":
            skops.io.dump(model, path)
        case ".pkl":
            path.write_bytes(pickle.dumps(model))
        case _:
            joblib.dump(model, path)
            path = path.rename(tmp_path / "m.joblib")
    trusted = scan(path)
    assert not trusted or suffix == ".skops"
    if suffix == ".skops":
        skops.io.load(path, trusted=list(trusted))


def test_allow_vouches_for_a_type_by_its_full_name(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    joblib.dump([io.BytesIO(b"x")], path)
    with pytest.raises(Unsafe, match=r"_io\.BytesIO, not known to be safe.*allow:"):
        scan(path)
    assert scan(path, ["_io.BytesIO"]) == ("_io.BytesIO",)


def test_allow_cannot_vouch_for_commands(tmp_path: Path, canary: Path) -> None:
    path = tmp_path / "m.joblib"
    joblib.dump([attacks(canary)["system"]], path)
    with pytest.raises(Unsafe, match="cannot change that"):
        scan(path, ["posix.system", "os.system"])


def test_a_skops_file_with_a_stranger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    skops.io.dump(FunctionTransformer(os.system), path)
    with pytest.raises(Unsafe, match=r"posix\.system"):
        scan(path)


def a_keras_file(path: Path, *layers: dict[str, Any]) -> Path:
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"layers": list(layers)},
        "registered_name": None,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
    return path


DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}, "registered_name": None}


def test_a_plain_network_passes(tmp_path: Path) -> None:
    assert scan(a_keras_file(tmp_path / "m.keras", DENSE)) == ()


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (
            {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}},
            "Lambda",
        ),
        ({"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}}, "TorchModuleWrapper"),
        ({"module": "os", "class_name": "function", "config": "system"}, "os.system"),
        ({"module": "keras.utils", "class_name": "get_file", "config": {}}, "keras.utils.get_file"),
        ({"module": None, "class_name": "Mine", "config": {}, "registered_name": "pack>Mine"}, "pack>Mine"),
        ({"module": "__main__", "class_name": "Mine", "config": {}}, "__main__.Mine"),
        (
            {**DENSE, "config": {"activation": {"module": "builtins", "class_name": "function", "config": "f"}}},
            "builtins.f",
        ),
    ],
)
def test_a_network_that_acts_is_refused(tmp_path: Path, layer: dict[str, Any], named: str) -> None:
    path = a_keras_file(tmp_path / "m.keras", DENSE, layer)
    with pytest.raises(Unsafe, match=r"m\.keras holds .*" + named.replace(".", r"\.")):
        scan(path)


@pytest.mark.parametrize("member", ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "..\\evil"])
def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path, member: str) -> None:
    path = a_keras_file(tmp_path / "m.keras", DENSE)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, "x")
    with pytest.raises(Unsafe, match="outside its folder"):
        scan(path)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", bytes(2**28))
    with pytest.raises(Unsafe, match="unpacks from"):
        scan(path)


def test_what_is_no_model_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no model file"):
        scan(tmp_path / "m.joblib")
    (tmp_path / "m.weights").write_text("x")
    with pytest.raises(InvalidInput, match=r"no scanner for '\.weights'"):
        scan(tmp_path / "m.weights")
    (tmp_path / "m.keras").write_text("x")
    with pytest.raises(Unsafe, match=r"no readable \.keras archive"):
        scan(tmp_path / "m.keras")
