"""The model as it was given, copied into its bundle."""

import shutil
from pathlib import Path

from setpoint.domain.artifact import artifact_of
from setpoint.runtime.model import ONNX_FILE
from setpoint.runtime.sources import names_in

CODE = "code"  # the folder of a bundle where code of one's own is, with the files it reads and nothing else


def keep(model: Path, staged: Path) -> Path:
    """Copy a scanned model file, folder (it holds no links), or class with its files; return where it is now."""
    given = artifact_of(model)
    if given.code:
        return _keep_code(model, staged / CODE)
    kept = staged / ("original.onnx" if model.name == ONNX_FILE else model.name)
    if model.is_dir():
        shutil.copytree(model, kept, symlinks=True)
    else:
        shutil.copyfile(model, kept)
    return kept


def _keep_code(model: Path, home: Path) -> Path:
    given = artifact_of(model)
    assert given.code is not None
    home.mkdir()
    beside = [given.code.with_name(name) for name in names_in(given.code).get(given.entry, ())]
    for file in {given.file, given.code, *beside}:
        shutil.copyfile(file, home / file.name)
    return home / model.name


def whole(kept: Path) -> Path:
    """Return the file or folder that holds all there is of a model that was kept."""
    return kept.parent if artifact_of(kept).code else kept
