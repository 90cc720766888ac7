"""Read the files of Keras and TensorFlow, and say why one cannot be read."""

import contextlib
import json
import re
import textwrap
import zipfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import keras

from setpoint.errors import InvalidInput, SetpointError
from setpoint.runtime.keras import network
from setpoint.runtime.networks import Network


def read(path: Path, trusted: Sequence[str] | None = None) -> Network:
    """Load a network that was scanned before.

    Raises
    ------
    InvalidInput
        If Keras cannot, in its own words, with the version that saved the file.
    """
    try:
        return network(path, trusted)
    except SetpointError:
        raise
    except Exception as e:  # a strange file can fail in any way
        raise InvalidInput(
            f"cannot load {path.name}: {_said(str(e))}. {_saved_by(path)}; installed is Keras {keras.__version__}. "
            "Save it again with that version, or install the one it was saved with"
        ) from e


def _said(text: str) -> str:
    """Return the innermost of Keras's nested errors, and the layer it is about where that is told."""
    layers = re.findall(r"deserializing class '(\w+)' using config=\{'name': '([^']*)'", text)
    where = f"layer {layers[-1][1]!r} ({layers[-1][0]}): " if layers else ""
    return where + textwrap.shorten(text.rpartition("Exception encountered: ")[2], 280, placeholder=" …").rstrip(".")


def _saved_by(path: Path) -> str:
    found = ""
    with contextlib.suppress(Exception):  # of a file that failed already
        if path.suffix.lower() == ".keras":
            with zipfile.ZipFile(path) as archive:
                found = str(json.loads(archive.read("metadata.json"))["keras_version"])
        elif path.is_file():
            with h5py.File(path, "r") as file:
                found = str(file.attrs["keras_version"])
    return f"Keras {found} saved it" if found else "It does not say which version saved it"
