"""Pickles, joblib and skops files, whole PyTorch modules."""

import builtins
import gzip
import io
import os
import pickle
import pydoc
import timeit
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.malicious import attack


class Calls:
    """Pickles into a call of `function`."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


def system(marker: Path) -> Calls:
    return Calls(os.system, f"touch {marker}")


def python(marker: Path) -> str:
    return f"open({str(marker)!r}, 'w').close()"


def pickled(folder: Path, what: Any) -> str:
    (folder / "model.pkl").write_bytes(pickle.dumps(what))
    return "model.pkl"


@attack("posix.system", "allow:")
def os_system(folder: Path, marker: Path) -> str:
    return pickled(folder, system(marker))


@attack("timeit.timeit")
def time_it(folder: Path, marker: Path) -> str:
    return pickled(folder, Calls(timeit.timeit, python(marker)))


@attack("pydoc.pipepager")
def py_doc(folder: Path, marker: Path) -> str:
    return pickled(folder, Calls(pydoc.pipepager, "", f"touch {marker}"))


@attack("builtins.eval")
def builtin_eval(folder: Path, marker: Path) -> str:
    return pickled(folder, Calls(builtins.eval, python(marker)))


@attack("builtins.exec")
def builtin_exec(folder: Path, marker: Path) -> str:
    return pickled(folder, Calls(builtins.exec, python(marker)))


@attack("builtins.getattr", "builtins.__import__")
def builtin_import(folder: Path, marker: Path) -> str:
    return pickled(folder, Calls(builtins.getattr, Calls(builtins.__import__, "os"), "system"))


@attack("_pickle.loads")
def nested(folder: Path, marker: Path) -> str:
    return pickled(folder, Calls(pickle.loads, pickle.dumps(system(marker))))


@attack("posix.system")
def joblib_plain(folder: Path, marker: Path) -> str:
    joblib.dump([np.arange(100.0), make_pipeline(StandardScaler(), system(marker))], folder / "model.joblib")
    return "model.joblib"


@attack("posix.system")
def joblib_compressed(folder: Path, marker: Path) -> str:
    joblib.dump([np.arange(100.0), system(marker)], folder / "model.joblib", compress=("zlib", 3))
    return "model.joblib"


@attack("posix.system")
def object_array(folder: Path, marker: Path) -> str:
    joblib.dump(np.array([system(marker), 1], dtype=object), folder / "model.joblib")
    return "model.joblib"


@attack("posix.system")
def skops_function(folder: Path, marker: Path) -> str:
    skops.io.dump(FunctionTransformer(os.system), folder / "model.skops")
    return "model.skops"


@attack("cloudpickle.cloudpickle._builtin_type")
def cloud_pickle(folder: Path, marker: Path) -> str:
    """A function by value: its code, and a call that makes it."""
    return _written(folder, cloudpickle.dumps(Calls(lambda: marker.touch())))


def _written(folder: Path, raw: bytes) -> str:
    (folder / "model.pkl").write_bytes(raw)
    return "model.pkl"


@attack("dill._dill._import_module")
def dill(folder: Path, marker: Path) -> str:
    return _written(folder, b"\x80\x02cdill._dill\n_import_module\nX\x02\x00\x00\x00os\x85R.")


@attack("unpacks to more than")
def gzip_bomb(folder: Path, marker: Path) -> str:
    (folder / "model.joblib").write_bytes(gzip.compress(bytes(2**28)))
    return "model.joblib"


def torch_file(path: Path, raw: bytes, **more: bytes) -> str:
    """Write what torch.save writes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {"data.pkl": raw, "version": b"3\n", "byteorder": b"little", **more}.items():
            archive.writestr(f"model/{name}", content)
    return path.name


@attack("data.pkl", "posix.system")
def torch_pickle(folder: Path, marker: Path) -> str:
    return torch_file(folder / "model.pt", pickle.dumps({"weight": system(marker)}, 2))


@attack("posix.system")
def torch_pickle_by_another_spelling(folder: Path, marker: Path) -> str:
    """PyTorch finds its members whatever their case."""
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        archive.writestr("model/DATA.PKL", pickle.dumps(system(marker), 2))
    return "model.pt"


@attack("two members of one name")
def torch_pickle_twice(folder: Path, marker: Path) -> str:
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({}, 2))
        archive.writestr("model/Data.pkl", pickle.dumps(system(marker), 2))
    return "model.pt"


@attack("whole pickled module", "torch.nn.modules.linear.Linear", "state_dict")
def torch_module(folder: Path, marker: Path) -> str:
    return torch_file(folder / "model.pt", b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81.")


@attack("model.pt", "posix.system")
def torch_pickle_in_a_program(folder: Path, marker: Path) -> str:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(system(marker), 2))
    with zipfile.ZipFile(folder / "model.pt2", "w") as archive:
        archive.writestr("model/models/model.json", "{}")
        archive.writestr("model/data/sample_inputs/model.pt", inner.getvalue())
    return "model.pt2"


@attack("native code", "model.so")
def torch_library(folder: Path, marker: Path) -> str:
    with zipfile.ZipFile(folder / "model.pt2", "w") as archive:
        archive.writestr("model/data/aotinductor/model/model.so", b"\x7fELF")
    return "model.pt2"


@attack("code/__torch__.py", "torch.save")
def torch_script(folder: Path, marker: Path) -> str:
    raw = b"\x80\x02c__torch__\nNet\n)\x81}b."
    script = f"class Net(Module):\n  def forward(self, x):\n    torch.save(x, '{marker}')\n"
    return torch_file(
        folder / "model.pt", raw, **{"code/__torch__.py": script.encode(), "constants.pkl": b"\x80\x02)."}
    )
