"""What a bundle is made of on the disk: files that are named, digested, flushed, and moved into place as a whole.

Imported by serving workers, so it needs nothing beyond the standard library.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from setpoint.errors import Corrupt

Stamp = tuple[int, int, int, int]  # inode, size, times of modification and of change in ns


def files_of(folder: Path) -> Iterator[str]:
    """Name every file below a folder, in the order of their names."""
    return (p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if not p.is_dir() or p.is_symlink())


def stray_link(folder: Path) -> str | None:
    """Return the first link that leads out of the folder."""
    home = folder.resolve()
    links = (name for name in files_of(folder) if (folder / name).is_symlink())
    return next((name for name in links if not (folder / name).resolve().is_relative_to(home)), None)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(file: Path, digest: str) -> None:
    """Raise Corrupt if a file differs from its digest."""
    found = digest_of(file)
    if found != digest:
        raise Corrupt(f"{file} differs from its digest (expected {digest[:12]}…, found {found[:12]}…)")


def stamp_of(file: Path) -> Stamp:
    """Return what changes whenever a file does."""
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def settle(folder: Path) -> None:
    """Make every file read-only and flush it, and its folders, to the disk."""
    for name in files_of(folder):
        (folder / name).chmod(0o444)
        flush(folder / name)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            flush(path)


def flush(path: Path) -> None:
    """Have a file or folder written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(staged: Path, target: Path) -> None:
    """Rename into place; from another file system, copy beside the target first."""
    try:
        staged.rename(target)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        beside = target.parent / f".{target.name}-{os.urandom(4).hex()}"
        shutil.copytree(staged, beside, symlinks=True)
        settle(beside)
        beside.rename(target)
        shutil.rmtree(staged)
    flush(target.parent)
