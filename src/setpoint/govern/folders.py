"""Look into models that are folders: SavedModels, Transformers and MLflow directories."""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from setpoint.errors import InvalidInput, Unsafe
from setpoint.govern import mlflow, onnx, saved_model, transformers

MAX_FILES = 10_000
MAX_BYTES = 16 * 2**30
ScanFile = Callable[[Path, Sequence[str]], tuple[str, ...]]
KINDS: dict[str, Callable[[Path, list[Path], Sequence[str], ScanFile], tuple[str, ...]]] = {
    "MLmodel": mlflow.scan,
    "saved_model.pb": saved_model.scan,
    "model.onnx": onnx.scan_folder,
    "config.json": transformers.scan,
}


def scan(folder: Path, allow: Sequence[str], scan_file: ScanFile) -> tuple[str, ...]:
    """Look into a folder by the file that tells its kind.

    Raises
    ------
    Unsafe
        If it holds links, devices, too many files or bytes, or anything its kind refuses.
    InvalidInput
        If it is of no kind known here.
    """
    files = regular_files(folder)
    for name, scanner in KINDS.items():
        if folder / name in files:
            return scanner(folder, files, allow, scan_file)
    raise InvalidInput(
        f"{folder} is a folder without {' or '.join(KINDS)}: none that is known here. Name the model file in it"
    )


def regular_files(folder: Path) -> list[Path]:
    """Return every file below a folder; Unsafe names a link or a device, or a bound it passes."""
    found, size, waiting = [], 0, [folder]
    while waiting:
        for entry in os.scandir(waiting.pop()):
            mode = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(mode.st_mode):
                waiting.append(Path(entry.path))
                continue
            if not stat.S_ISREG(mode.st_mode):
                what = "a link" if entry.is_symlink() else "a device or a pipe"
                raise Unsafe(f"{folder.name} holds {Path(entry.path).relative_to(folder)}, {what}; it was not loaded")
            found.append(Path(entry.path))
            size += mode.st_size
            if len(found) > MAX_FILES or size > MAX_BYTES:
                raise Unsafe(
                    f"{folder.name} holds more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes; it was not loaded"
                )
    return sorted(found)
