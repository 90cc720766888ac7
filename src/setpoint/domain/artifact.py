"""How a path names a model that needs code of one's own: `model.py:Class`, or `net.pt:net.py:build`."""

from pathlib import Path

from setpoint.domain.value import value


@value
class Artifact:
    """A model file or folder; `code` is the Python file that belongs to it, and `entry` a class or function in it."""

    file: Path
    code: Path | None = None
    entry: str = ""

    @property
    def is_code(self) -> bool:
        """Whether the model is a class in a Python file."""
        return self.file == self.code


def artifact_of(path: Path) -> Artifact:
    """Take a path apart; one without a Python file in it is the model itself."""
    before, _, entry = path.name.rpartition(":")
    if not before.endswith(".py"):
        return Artifact(file=path)
    file, _, script = before.rpartition(":")
    return Artifact(file=path.with_name(file or script), code=path.with_name(script), entry=entry)
