"""Look into models that are folders: SavedModels, ONNX graphs with their tensors, Transformers directories."""

from collections.abc import Callable, Sequence
from pathlib import Path

from setpoint.errors import InvalidInput
from setpoint.govern import onnx, saved_model, transformers
from setpoint.govern.walk import regular_files

ScanFile = Callable[[Path, Sequence[str]], tuple[str, ...]]
KINDS: dict[str, Callable[[Path, list[Path], Sequence[str], ScanFile], tuple[str, ...]]] = {
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
