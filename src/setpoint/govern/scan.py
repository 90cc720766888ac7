"""What a model file would run if it were loaded, and whether that is allowed."""

from collections.abc import Collection, Sequence
from pathlib import Path

from setpoint.errors import InvalidInput, Unsafe
from setpoint.govern.archives import h5_types, keras_types, skops_types
from setpoint.govern.known import is_known
from setpoint.govern.pickles import condemned, globals_of

PICKLES = (".joblib", ".pkl", ".pickle")
SHOWN = 5


def scan(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Look into a model file without loading or running anything of it.

    Parameters
    ----------
    path : Path
        A `.joblib`, `.pkl`, `.skops`, `.keras` or `.h5` file.
    allow : sequence of str
        Full names of types the user vouches for, beyond those scikit-learn and Keras models are made of.

    Returns
    -------
    tuple of str
        Types that whoever loads the file may trust: those only `allow` vouches for and, in a skops file, all it holds.

    Raises
    ------
    Unsafe
        If the file would import something that is not allowed; the text names it, and what to do.
    InvalidInput
        If there is no such file, or nothing here looks into its kind.
    """
    if not path.is_file():
        raise InvalidInput(f"there is no model file at {path}")
    match path.suffix.lower():
        case suffix if suffix in PICKLES:
            return _scan_pickle(path, allow)
        case ".skops":
            return _scan_skops(path, allow)
        case ".keras":
            return _scan_keras(path, set(keras_types(path)), allow)
        case ".h5" | ".hdf5":
            return _scan_keras(path, set(h5_types(path)), allow)
    raise InvalidInput(
        f"{path.name}: no scanner for {path.suffix!r} files; known: {', '.join(PICKLES)}, .skops, .keras, .h5"
    )


def _scan_pickle(path: Path, allow: Sequence[str]) -> tuple[str, ...]:
    found = globals_of(path)
    strangers = {name for name in found if not is_known(name, allow)}
    harmful = condemned(frozenset(strangers | (found & set(allow))))
    if harmful:
        raise Unsafe(
            f"{path.name} imports {_listed(harmful)}, which run commands or code; it was not loaded, and `allow:` "
            "cannot change that. If it is yours, save it without them, best with skops.io.dump(model, 'model.skops')"
        )
    _refuse(path, strangers)
    return tuple(sorted(found & set(allow)))


def _scan_skops(path: Path, allow: Sequence[str]) -> tuple[str, ...]:
    types = skops_types(path)
    _refuse(path, {t for t in types if not is_known(t, allow)})
    return types


def _scan_keras(path: Path, found: Collection[str], allow: Sequence[str]) -> tuple[str, ...]:
    strangers = {name for name in found if name not in allow}
    if strangers:
        raise Unsafe(
            f"{path.name} holds {_listed(strangers)}, which can run code when loaded or called; it was not loaded. "
            "Replace it by Keras's own layers or, if you wrote the file, list it under `allow:` in setpoint.yaml"
        )
    return tuple(sorted(found))


def _refuse(path: Path, strangers: Collection[str]) -> None:
    if strangers:
        raise Unsafe(
            f"{path.name} imports {_listed(strangers)}, not known to be safe; it was not loaded. If you wrote the file "
            f"and trust {'it' if len(strangers) == 1 else 'them'}, list the full names under `allow:` in setpoint.yaml"
        )


def _listed(names: Collection[str]) -> str:
    shown = sorted(names)[:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
