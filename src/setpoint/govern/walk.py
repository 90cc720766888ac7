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
