"""The files of a folder, none of which leads elsewhere."""

import os
import stat
from pathlib import Path

from setpoint.errors import Unsafe

MAX_FILES = 10_000
MAX_BYTES = 16 * 2**30


def regular_files(folder: Path) -> list[Path]:
    """Return every file below a folder; Unsafe names a link or a device, or a bound it passes."""
    found, size, waiting = [], 0, [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(Path(entry.path))
                    continue
                _check_regular(folder, entry, status.st_mode)
                found.append(Path(entry.path))
                size += status.st_size
        if len(found) + len(waiting) > MAX_FILES or size > MAX_BYTES:
            bounds = f"{MAX_FILES:,} files or {MAX_BYTES:,} bytes"
            raise Unsafe(f"{folder.name} holds more than {bounds}; it was not loaded")
    return sorted(found)


def _check_regular(folder: Path, entry: os.DirEntry[str], mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a link" if stat.S_ISLNK(mode) else "a device or a pipe"
        raise Unsafe(f"{folder.name} holds {Path(entry.path).relative_to(folder)}, {what}; it was not loaded")
