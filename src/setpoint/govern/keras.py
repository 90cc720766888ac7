"""Look into Keras models: what a `.keras` or `.h5` file would load, without loading it."""

import io
import json
import re
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from setpoint.errors import Unsafe, Unusable
from setpoint.govern.archives import MAX_CONFIG, check_zip, read_member
from setpoint.govern.words import listed

KERAS_MODULE = re.compile(
    r"keras(?:\.src)?(?:\.(?:layers|models|initializers|activations|regularizers|constraints|dtype_policies|optimizers|"
    r"losses|metrics|quantizers|random)(?:\.\w+)*)?"
)
ACTING = frozenset({"Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "__lambda__", "function"})


def scan_archive(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what acts in a `.keras` file; Unsafe if the user does not vouch for it."""
    return vouched(path, set(keras_types(path)), allow)


def scan_h5(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what acts in an `.h5` file; Unsafe if the user does not vouch for it."""
    return vouched(path, set(h5_types(path)), allow)


def vouched(path: Path, found: Collection[str], allow: Sequence[str]) -> tuple[str, ...]:
    """Return the names that were found in a network; Unsafe names those that nobody vouches for."""
    strangers = {name for name in found if name not in allow}
    if strangers:
        raise Unsafe(
            f"{path.name} holds {listed(strangers)}, which can run code when loaded or called; it was not loaded. "
            "Replace it by Keras's own layers or, if you wrote the file, list it under `allow:` in setpoint.yaml"
        )
    return tuple(sorted(found))


def keras_types(path: Path) -> Iterator[str]:
    """Return what acts in a `.keras` file, or is no part of Keras itself, by name; nothing for a plain network."""
    check_zip(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "config.json" not in names:
            raise Unsafe(f"{path.name} holds no config.json; it is not what model.save writes")
        if archive.getinfo("config.json").file_size > MAX_CONFIG:
            raise Unsafe(f"{path.name}: config.json is larger than {MAX_CONFIG:,} bytes")
        config = _json(read_member(archive, "config.json", f"{path.name}: config.json"), path)
        for name in names:
            if name.endswith(".h5"):
                _check_h5(io.BytesIO(read_member(archive, name, f"{path.name}: {name}")), path)
    return _acting(config)


def h5_types(path: Path) -> Iterator[str]:
    """Return what acts in an `.h5` file, or is no part of Keras itself, by name."""
    config = _check_h5(path, path)
    if config is None:
        raise Unsafe(f"{path.name} holds weights and no model; save the whole model with model.save('model.keras')")
    return _acting(_json(config, path))


def _check_h5(source: Any, path: Path) -> bytes | str | None:
    """Refuse links and data outside the file; return the model's configuration if there is one."""
    try:
        import h5py
    except ImportError as e:
        raise Unusable(
            "a Keras model needs TensorFlow, which is not installed: pip install 'setpoint[tensorflow]'"
        ) from e
    try:
        with h5py.File(source, "r") as file:
            _check_links(file, path, h5py)
            config: bytes | str | None = file.attrs.get("model_config")
            return config
    except OSError as e:
        raise Unsafe(f"{path.name} is no readable HDF5 file: {e}") from e


def _check_links(group: Any, path: Path, h5py: Any) -> None:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise Unsafe(f"{path.name}: {group.name}/{name} is a link to elsewhere; it was not loaded")
        child = group[name]
        if isinstance(child, h5py.Group):
            _check_links(child, path, h5py)
        elif child.external or child.is_virtual:
            raise Unsafe(f"{path.name}: {child.name} keeps its data in another file; it was not loaded")


def _json(raw: bytes | str, path: Path) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise Unsafe(f"{path.name}: its configuration is no JSON: {str(e)[:200]}") from e


def _acting(config: Any) -> Iterator[str]:
    """Walk a configuration without recursion, and name each part that is not a plain one of Keras."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
            if "class_name" in part:
                yield from _stranger(part)


def _stranger(part: dict[str, Any]) -> Iterator[str]:
    module, name, registered = (part.get(key) for key in ("module", "class_name", "registered_name"))
    config = part.get("config")
    if not isinstance(name, str):
        yield f"a class named {str(name)[:100]!r}"
    elif name in ACTING:
        yield name if name != "function" else f"{module}.{config}"
    elif module is not None and not (isinstance(module, str) and KERAS_MODULE.fullmatch(module)):
        yield f"{module}.{name}"
    elif registered is not None and ">" in str(registered) and not str(registered).startswith(("keras>", "Keras>")):
        yield str(registered)
    elif isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        yield f"{name} with the vocabulary of the file {config['vocabulary']!r}"
