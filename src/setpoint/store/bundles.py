"""Bundles in folders: whole, immutable, and checked against their digests before anybody loads them.

Imported by serving workers, so it needs nothing beyond the standard library and msgspec.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from setpoint.domain.value import from_json, replace, to_json
from setpoint.domain.version import ModelVersion
from setpoint.errors import Conflict, Corrupt, InvalidInput, NotFound, Unusable

MANIFEST = "bundle.json"
Stamp = tuple[int, int, int]  # inode, size, modification time in ns


class FolderBundleStore:
    """Fulfils `ports.BundleStore` with one folder a version: `root/<model>/<version>/`.

    Parameters
    ----------
    root : Path
        The folder of all bundles; made when the first one comes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._checked: dict[Path, dict[str, Stamp]] = {}

    def add(self, staged: Path, version: ModelVersion) -> ModelVersion:
        """Make a staged folder visible as a version, whole or not at all. The folder is moved away.

        Raises
        ------
        Conflict
            If the version exists.
        InvalidInput
            If a link in the folder leads out of it.
        Unusable
            If the store cannot be written.
        """
        target = self._root / version.model / version.version
        if target.exists():
            raise _exists(version)
        stray = _stray_link(staged)
        if stray:
            raise InvalidInput(f"{staged / stray} is a link out of the bundle; put the file itself there")
        (staged / MANIFEST).unlink(missing_ok=True)
        files = {name: _digest(staged / name) for name in _files(staged)}
        whole = replace(version, files=files)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            (staged / MANIFEST).write_bytes(to_json(whole, pretty=True))
            _settle(staged)
            _move(staged, target)
        except OSError as e:
            if e.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise _exists(version) from e
            raise Unusable(f"cannot write {target}: {e.strerror}; free the disk or set SETPOINT_HOME") from e
        return whole

    def get(self, model: str, version: str) -> ModelVersion:
        """Return the manifest; NotFound names the versions there are."""
        file = self._root / model / version / MANIFEST
        try:
            return from_json(file.read_bytes(), ModelVersion)
        except (FileNotFoundError, NotADirectoryError):
            have = ", ".join(v.version for v in self.versions(model)) or "none"
            raise NotFound(f"model {model!r} has no version {version!r}; it has: {have}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise Corrupt(f"{file} is no manifest of a bundle: {e}") from e

    def folder(self, model: str, version: str) -> Path:
        """Return the local folder after every digest was checked.

        Files that did not change since this process checked them (same inode, size and time) are not read again.

        Raises
        ------
        Corrupt
            Naming the first file that differs, is missing, is not listed, or is a link out of the folder.
        """
        expected = self.get(model, version).files
        folder = self._root / model / version
        stray = _stray_link(folder)
        if stray:
            raise Corrupt(f"{folder / stray} is a link out of the bundle")
        present = set(_files(folder)) - {MANIFEST}
        odd = sorted(present ^ set(expected))
        if odd:
            what = "is missing" if odd[0] in expected else "does not belong to the bundle"
            raise Corrupt(f"{folder / odd[0]} {what}")
        checked = self._checked.setdefault(folder, {})
        for name, digest in expected.items():
            stamp = _stamp(folder / name)
            if checked.get(name) != stamp:
                _check(folder / name, digest)
                checked[name] = stamp
        return folder

    def versions(self, model: str) -> list[ModelVersion]:
        """Return all versions, oldest first."""
        found = [self.get(model, file.parent.name) for file in (self._root / model).glob(f"[!.]*/{MANIFEST}")]
        return sorted(found, key=lambda v: (v.lineage.created, _number(v.version), v.version))

    def next_name(self, model: str) -> str:
        """Return a name that no version has: v1, v2 and so on."""
        taken = [_number(folder.name) for folder in (self._root / model).glob("v*")]
        return f"v{max(taken, default=0) + 1}"


def _exists(version: ModelVersion) -> Conflict:
    return Conflict(f"model {version.model!r} already has a version {version.version!r}, and versions never change")


def _number(name: str) -> int:
    match = re.fullmatch(r"v(\d+)", name)
    return int(match[1]) if match else 0


def _files(folder: Path) -> Iterator[str]:
    """Name every file below a folder, in the order of their names."""
    return (p.relative_to(folder).as_posix() for p in sorted(folder.rglob("*")) if not p.is_dir() or p.is_symlink())


def _stray_link(folder: Path) -> str | None:
    """Return the first link that leads out of the folder."""
    home = folder.resolve()
    links = (name for name in _files(folder) if (folder / name).is_symlink())
    return next((name for name in links if not (folder / name).resolve().is_relative_to(home)), None)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(file: Path, digest: str) -> None:
    found = _digest(file)
    if found != digest:
        raise Corrupt(f"{file} differs from its digest (expected {digest[:12]}…, found {found[:12]}…)")


def _stamp(file: Path) -> Stamp:
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _settle(folder: Path) -> None:
    """Make every file read-only and flush it, and its folders, to the disk."""
    for name in _files(folder):
        (folder / name).chmod(0o444)
        _flush(folder / name)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            _flush(path)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move(staged: Path, target: Path) -> None:
    """Rename into place; from another file system, copy beside the target first."""
    try:
        staged.rename(target)
    except OSError as e:
        if e.errno != errno.EXDEV:
            raise
        beside = target.parent / f".{target.name}-{os.urandom(4).hex()}"
        shutil.copytree(staged, beside, symlinks=True)
        _settle(beside)
        beside.rename(target)
        shutil.rmtree(staged)
    _flush(target.parent)
