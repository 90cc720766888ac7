"""Archives: Keras networks that hold code, bombs, members that leave their folder."""

import base64
import json
import marshal
import stat
import zipfile
from pathlib import Path
from typing import Any

import h5py

from tests.malicious import attack
from tests.malicious.pickled import python

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}, "registered_name": None}


def lambda_layer(marker: Path) -> dict[str, Any]:
    """Return the configuration of a Lambda whose code writes the marker."""
    code = base64.b64encode(marshal.dumps(compile(python(marker), "evil", "exec"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    return {"module": "keras.layers", "class_name": "Lambda", "config": {"function": function}, "registered_name": None}


def network(*layers: dict[str, Any]) -> str:
    config = {"name": "net", "layers": list(layers)}
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None})


def keras_file(folder: Path, *layers: dict[str, Any]) -> str:
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", network(*layers))
    return "model.keras"


@attack("Lambda", "__lambda__", "allow:")
def keras_lambda(folder: Path, marker: Path) -> str:
    return keras_file(folder, DENSE, lambda_layer(marker))


@attack("Lambda")
def keras_lambda_within_a_wrapper(folder: Path, marker: Path) -> str:
    wrapper = {"module": "keras.layers", "class_name": "TimeDistributed", "config": {"layer": lambda_layer(marker)}}
    return keras_file(folder, DENSE, wrapper)


@attack("Lambda")
def keras_lambda_within_a_model(folder: Path, marker: Path) -> str:
    inner = json.loads(network(DENSE, lambda_layer(marker)))
    return keras_file(folder, inner)


@attack("os.system")
def keras_function(folder: Path, marker: Path) -> str:
    activation = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    return keras_file(folder, {**DENSE, "config": {"units": 1, "activation": activation}})


@attack("keras.utils.get_file")
def keras_download(folder: Path, marker: Path) -> str:
    return keras_file(folder, {"module": "keras.utils", "class_name": "get_file", "config": {}})


@attack("StringLookup", "'/etc/passwd'")
def keras_reads_a_file(folder: Path, marker: Path) -> str:
    lookup = {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}
    return keras_file(folder, lookup, DENSE)


@attack("Lambda")
def h5_lambda_of_old_keras(folder: Path, marker: Path) -> str:
    """Before Keras 3 the code stands in a list, and its kind beside it."""
    code = base64.b64encode(marshal.dumps(compile(python(marker), "evil", "exec"))).decode()
    layer = {"class_name": "Lambda", "config": {"function": [code, None, None], "function_type": "lambda"}}
    with h5py.File(folder / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}})
    return "model.h5"


@attack("keeps its data in another file")
def h5_data_elsewhere(folder: Path, marker: Path) -> str:
    with h5py.File(folder / "model.h5", "w") as file:
        file.attrs["model_config"] = network(DENSE)
        file.create_dataset("w", (4,), "f4", external=[("/etc/passwd", 0, 16)])
    return "model.h5"


@attack("unpacks from", "schema.json")
def zip_bomb(folder: Path, marker: Path) -> str:
    with zipfile.ZipFile(folder / "model.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", bytes(2**28))
    return "model.skops"


@attack("model.pt", "unpacks from")
def zip_bomb_within_an_archive(folder: Path, marker: Path) -> str:
    inner = folder / "inner.zip"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**28))
    with zipfile.ZipFile(folder / "model.pt2", "w") as archive:
        archive.write(inner, "model/data/sample_inputs/model.pt")
    return "model.pt2"


@attack("'../../marker'", "outside its folder")
def traversal(folder: Path, marker: Path) -> str:
    keras_file(folder, DENSE)
    with zipfile.ZipFile(folder / "model.keras", "a") as archive:
        archive.writestr("../../marker", "x")
    return "model.keras"


@attack("'assets/link'", "a link")
def link_in_an_archive(folder: Path, marker: Path) -> str:
    keras_file(folder, DENSE)
    link = zipfile.ZipInfo("assets/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "model.keras", "a") as archive:
        archive.writestr(link, "/etc/passwd")
    return "model.keras"
