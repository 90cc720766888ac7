"""What is left of a version whose files were removed: its manifest, by which its records are read, and who did it."""

import os
import shutil
from datetime import datetime
from pathlib import Path

from setpoint.domain.value import from_json, to_json
from setpoint.domain.version import Removal
from setpoint.store.bundle_files import flush, settle

GRAVES = ".removed"  # below a model's folder; no version begins with a dot
GOING = ".going-"  # a folder under this name is removed, now or by the next removal
RECEIPT = "removal.json"


def bury(folder: Path, keep: tuple[str, ...], by: str, now: datetime) -> Removal:
    """Remove a version's folder, all but some small files and a receipt; it is gone at once, whole.

    Parameters
    ----------
    folder : Path
        Of the version.
    keep : tuple of str
        Names of files that stay, in `.removed/<version>/` beside it.
    """
    removal = Removal(version=folder.name, at=now, by=by, bytes=_size(folder))
    grave = folder.parent / GRAVES / folder.name
    if grave.exists():  # left half-way
        shutil.rmtree(grave)
    grave.mkdir(parents=True)
    for name in keep:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, grave / name)
    (grave / RECEIPT).write_bytes(to_json(removal, pretty=True))
    settle(grave)
    folder.rename(folder.parent / f"{GOING}{folder.name}-{os.urandom(4).hex()}")
    flush(folder.parent)
    sweep(folder.parent)
    return removal


def sweep(model: Path) -> None:
    """Delete what removals, this one or those that were stopped half-way, have moved out of sight."""
    for folder in model.glob(f"{GOING}*"):
        shutil.rmtree(folder)


def grave_of(folder: Path) -> Path:
    """Return where the manifest of a removed version lies."""
    return folder.parent / GRAVES / folder.name


def removals(model: Path) -> list[Removal]:
    """Return what was removed of a model, the first first; not what is there again or still, after a stop half-way."""
    files = [f for f in (model / GRAVES).glob(f"*/{RECEIPT}") if not (model / f.parent.name).exists()]
    return sorted((from_json(f.read_bytes(), Removal) for f in files), key=lambda r: (r.at, r.version))


def _size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
