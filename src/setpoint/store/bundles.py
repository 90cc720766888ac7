"""Bundles in folders: whole, immutable, and checked against seal and digests before anybody loads them.

Imported by serving workers, so it needs nothing beyond the standard library and msgspec.
"""

import errno
import hashlib
import os
import re
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from setpoint.domain.value import from_json, replace, to_json
from setpoint.domain.version import FORMAT, ModelVersion, Removal, Seal
from setpoint.errors import Conflict, Corrupt, InvalidInput, NotFound, Unusable
from setpoint.store.bundle_files import Stamp, check, digest_of, files_of, flush, move, settle, stamp_of, stray_link
from setpoint.store.graves import GRAVES, bury, grave_of, removals, sweep
from setpoint.store.signing import Signing, checked, verify

MANIFEST, SEAL = "bundle.json", "bundle.seal"
OURS = (MANIFEST, SEAL)  # which hold the digests of the others


class FolderBundleStore:
    """Fulfils `ports.BundleStore` with one folder a version: `root/<model>/<version>/`.

    Parameters
    ----------
    root : Path
        The folder of all bundles; made when the first one comes.
    signing : Signing, optional
        Signs what is added, and says whose signatures are asked for; by default the home around the folder, and any.
    """

    def __init__(self, root: Path, signing: Signing | None = None) -> None:
        self._root, self._signing = root, signing or Signing(root.parent)
        self._checked: dict[Path, dict[str, Stamp]] = {}

    def add(self, staged: Path, version: ModelVersion) -> ModelVersion:
        """Make a staged folder visible as a version, whole or not at all. The folder is moved away.

        Raises
        ------
        Conflict
            If the version exists, or did.
        InvalidInput
            If a link in the folder leads out of it.
        Unusable
            If the store cannot be written, or signatures are asked for and there is no key.
        """
        self.expect()
        target = self._root / version.model / version.version
        if target.exists() or grave_of(target).exists():
            raise _exists(version)
        stray = stray_link(staged)
        if stray:
            raise InvalidInput(f"{staged / stray} is a link out of the bundle; put the file itself there")
        for name in OURS:
            (staged / name).unlink(missing_ok=True)
        files = {name: digest_of(staged / name) for name in files_of(staged)}
        whole = replace(version, files=files, format=FORMAT)
        manifest = to_json(whole, pretty=True)
        seal = self._signing.seal(manifest)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            (staged / MANIFEST).write_bytes(manifest)
            (staged / SEAL).write_bytes(to_json(seal, pretty=True))
            settle(staged)
            move(staged, target)
        except OSError as e:
            if e.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise _exists(version) from e
            raise Unusable(f"cannot write {target}: {e.strerror}; free the disk or set SETPOINT_HOME") from e
        return whole

    def expect(self) -> None:
        """Refuse to begin what `add` would refuse for want of a key; Unusable says how to make one."""
        self._signing.expect_to_sign()

    def get(self, model: str, version: str) -> ModelVersion:
        """Return the manifest, also of a version whose files were removed; NotFound names the versions there are."""
        return self._manifest(model, version)[0]

    def _manifest(self, model: str, version: str) -> tuple[ModelVersion, bytes, Seal | None]:
        """Return the manifest, its bytes, and its seal, which fits it."""
        folder = self._root / model / version
        try:
            folder = folder if folder.exists() else grave_of(folder)
            raw = (folder / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            have = ", ".join(self.names(model)) or "none"
            raise NotFound(f"model {model!r} has no version {version!r}; it has: {have}") from None
        seal = _seal(folder / SEAL)
        if seal is not None and hashlib.sha256(raw).hexdigest() != seal.manifest:
            raise Corrupt(f"{folder / MANIFEST} differs from its digest in {SEAL}")
        try:
            found = _read(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise Corrupt(f"{folder / MANIFEST} is no manifest of a bundle: {e}") from e
        if found.format > FORMAT:
            raise Unusable(
                f"{folder / MANIFEST} has format {found.format}, and this Setpoint reads {FORMAT}; update it"
            )
        if seal is None and found.format > 1:
            raise Corrupt(f"{folder / SEAL} is missing")
        if (found.model, found.version) != (model, version):
            raise Corrupt(f"{folder} holds {found.model} {found.version}, which belongs elsewhere")
        return found, raw, seal

    def folder(self, model: str, version: str) -> Path:
        """Return the local folder after every digest was checked, and the signature where one is asked for.

        Files that did not change since this process checked them (same inode, size and times) are not read again.

        Raises
        ------
        Corrupt
            Naming the first file that differs, is missing, is not listed, or is a link out of the folder.
        Unsafe
            If nobody signed it who may.
        NotFound
            If its files were removed.
        """
        manifest, raw, seal = self._manifest(model, version)
        folder, expected = self._root / model / version, manifest.files
        if not folder.exists():
            raise NotFound(f"the files of {model} {version} were removed; `setpoint versions {model}` shows by whom")
        self._signing.judge(f"{model} {version}", raw, seal)
        stray = stray_link(folder)
        if stray:
            raise Corrupt(f"{folder / stray} is a link out of the bundle")
        present = set(files_of(folder)) - set(OURS)
        odd = sorted(present ^ set(expected))
        if odd:
            what = "is missing" if odd[0] in expected else "does not belong to the bundle"
            raise Corrupt(f"{folder / odd[0]} {what}")
        known = self._checked.setdefault(folder, {})
        for name, digest in expected.items():
            stamp = stamp_of(folder / name)
            if known.get(name) != stamp:
                check(folder / name, digest)
                known[name] = stamp
        return folder

    def verify(self, model: str, version: str) -> None:
        """Read a version anew, and check all of it, the signature too if it has one; raises as `folder` does."""
        self._checked.pop(self._root / model / version, None)
        self.folder(model, version)
        _, raw, seal = self._manifest(model, version)
        if seal is not None and seal.signature:
            verify(f"{model} {version}", raw, seal)

    def size(self, model: str, version: str) -> int:
        """Return how large the files of a version are together, in bytes."""
        folder = self._root / model / version
        return sum((folder / name).stat().st_size for name in files_of(folder))

    def seal(self, model: str, version: str) -> Seal | None:
        """Return the seal of a version; versions of the first format may have none."""
        return self._manifest(model, version)[2]

    def sign(self, model: str, version: str) -> Seal:
        """Sign a version whose digests hold with the key of this home, in place of who signed it before.

        Raises
        ------
        Corrupt
            If it is not what was stored.
        Unusable
            If there is no key.
        """
        self._signing.expect_key()
        _, raw, _ = self._manifest(model, version)
        folder = FolderBundleStore(self._root).folder(model, version)  # whoever signed it until now
        seal, beside = self._signing.seal(raw), self._root / model / f".{version}-{os.urandom(4).hex()}"
        beside.write_bytes(to_json(seal, pretty=True))
        beside.chmod(0o444)
        flush(beside)
        beside.replace(folder / SEAL)
        return seal

    def remove(self, model: str, version: str, *, by: str, now: datetime) -> Removal:
        """Remove the files of a version, all but its manifest: at once, and its name does not come again.

        Raises
        ------
        NotFound
            If there is no such version.
        """
        folder = self._root / model / version
        if not (folder / MANIFEST).is_file():
            self._manifest(model, version)
            raise NotFound(f"the files of {model} {version} were removed already")
        return bury(folder, OURS, by, now)

    def removals(self, model: str) -> list[Removal]:
        """Return what was removed of a model, the first first; what a stopped removal left behind goes now."""
        sweep(self._root / model)
        return removals(self._root / model)

    def names(self, model: str) -> list[str]:
        """Return the names of all versions, damaged ones too, in the order of their numbers."""
        found = [file.parent.name for file in (self._root / model).glob(f"[!.]*/{MANIFEST}")]
        return sorted(found, key=lambda name: (_number(name), name))

    def versions(self, model: str) -> list[ModelVersion]:
        """Return all versions, oldest first."""
        found = [self.get(model, name) for name in self.names(model)]
        return sorted(found, key=lambda v: (v.lineage.created, _number(v.version), v.version))

    def next_name(self, model: str) -> str:
        """Return a name that no version has or had: v1, v2 and so on."""
        home = self._root / model
        taken = [_number(folder.name) for folder in (*home.glob("v*"), *home.glob(f"{GRAVES}/v*"))]
        return f"v{max(taken, default=0) + 1}"


@lru_cache(maxsize=64)
def _read(raw: bytes) -> ModelVersion:
    """Decode a manifest; a look asks for the same one again and again."""
    return from_json(raw, ModelVersion)


def _exists(version: ModelVersion) -> Conflict:
    return Conflict(f"model {version.model!r} already has a version {version.version!r}, and versions never change")


def _number(name: str) -> int:
    match = re.fullmatch(r"v(\d+)", name)
    return int(match[1]) if match else 0


def _seal(file: Path) -> Seal | None:
    """Return the seal if there is one; Corrupt if it is not, byte for byte, what was written."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return None
    try:
        seal = from_json(raw, Seal)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise Corrupt(f"{file} is no seal of a bundle: {e}") from e
    if to_json(checked(seal), pretty=True) != raw:
        raise Corrupt(f"{file} differs from what was written")
    return seal
