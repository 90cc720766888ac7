"""What a model file or folder would run if it were loaded, and whether that is allowed."""

from collections.abc import Callable, Sequence
from pathlib import Path

from setpoint.domain.artifact import artifact_of
from setpoint.errors import InvalidInput
from setpoint.govern import data, folders, keras, onnx, pickles, skops, sources, torch

Scanner = Callable[[Path, Sequence[str]], tuple[str, ...]]

SCANNERS: dict[str, Scanner] = {
    **dict.fromkeys((".joblib", ".pkl", ".pickle"), pickles.scan),
    ".skops": skops.scan,
    ".keras": keras.scan_archive,
    **dict.fromkeys((".h5", ".hdf5"), keras.scan_h5),
    ".onnx": onnx.scan,
    **dict.fromkeys((".pt2", ".pt", ".pth", ".ts"), torch.scan),
    **dict.fromkeys(data.FORMS, data.scan),
}


def scan(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Look into a model file or folder without loading or running anything of it.

    Parameters
    ----------
    path : Path
        A file of a suffix in `SCANNERS`, a folder, or `model.py:Class`, which is the user's own code; with a factory it
        is `net.pt:net.py:build`.
    allow : sequence of str
        Full names of types the user vouches for, beyond those that models are made of.

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
    given = artifact_of(path)
    vouched = sources.scan(path) if given.code else ()
    if given.is_code:
        return vouched
    if given.file.is_dir():
        return folders.scan(given.file, allow, scan_file)
    if not given.file.is_file():
        raise InvalidInput(f"there is no model file at {given.file}")
    return scan_file(given.file, allow)


def scan_file(path: Path, allow: Sequence[str] = ()) -> tuple[str, ...]:
    """Look into one file by its suffix; see `scan`."""
    scanner = SCANNERS.get(path.suffix.lower())
    if scanner is None:
        raise InvalidInput(
            f"{path.name}: no scanner for {path.suffix!r} files; known: {', '.join(SCANNERS)}, "
            "folders and model.py:Class"
        )
    return scanner(path, allow)
