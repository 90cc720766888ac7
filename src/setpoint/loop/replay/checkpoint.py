"""How far a replay is, so that one that was killed goes on where it was, and decides what it would have decided."""

import shutil
import time
from pathlib import Path

from setpoint.domain.fleet import Deployment
from setpoint.domain.live import Served
from setpoint.domain.value import from_json, to_json, value


@value
class Checkpoint:
    """The state after some windows: what was served in each, so that the record log can be made again, and thoughts.

    `versions` are those that there were: a later one was made by a look that was not finished, and is made again.
    """

    deployment: Deployment
    served: tuple[Served, ...]
    thoughts: tuple[str, ...]
    versions: tuple[str, ...]


class Checkpoints:
    """Keeps the last checkpoint in a file, replaced as a whole, every few seconds at most.

    Parameters
    ----------
    file : Path or None
        None: nothing is kept.
    """

    every_s = 5.0  # shortest time between two; it decides nothing

    def __init__(self, file: Path | None = None) -> None:
        self._file, self._last = file, time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last one is old enough."""
        return self._file is not None and time.monotonic() - self._last >= self.every_s

    def load(self) -> Checkpoint | None:
        """Return the last one, if there is one."""
        if self._file is None or not self._file.exists():
            return None
        return from_json(self._file.read_bytes(), Checkpoint)

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the last one."""
        assert self._file is not None
        new = self._file.with_suffix(".new")
        new.write_bytes(to_json(checkpoint))
        new.replace(self._file)
        self._last = time.monotonic()


def clear_after(checkpoint: Checkpoint, bundles: Path, jobs: Path) -> None:
    """Remove what looks after the checkpoint left behind: versions that it does not know, and all jobs of theirs."""
    model = checkpoint.deployment.model
    for folder in (bundles / model).iterdir():
        if folder.is_dir() and folder.name not in checkpoint.versions:
            shutil.rmtree(folder)
    looked = checkpoint.deployment.looked
    for folder in jobs.iterdir() if jobs.is_dir() else ():
        stamp = folder.name.removeprefix(f"{model}-").removesuffix("-refit")
        if looked is None or stamp > f"{looked:%Y%m%dT%H%M%S}":
            shutil.rmtree(folder)
