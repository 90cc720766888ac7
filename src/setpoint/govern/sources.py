"""Code of the user's own: `model.py:Class`, which is a model, and factories. Naming it is vouching for it."""

from pathlib import Path

from setpoint.domain.artifact import artifact_of
from setpoint.errors import InvalidInput
from setpoint.runtime.sources import names_in


def scan(path: Path) -> tuple[str, ...]:
    """Check that the file holds the class or function, without running it, and return its name.

    Raises
    ------
    InvalidInput
        If there is no such file, it is no Python, it defines no such class, or one that lists files that are not there.
    """
    where = artifact_of(path)
    assert where.code is not None  # who calls it has looked
    found = names_in(where.code)
    if where.entry not in found:
        what = "class" if where.is_code else "function"
        listed = ", ".join(found) or "none"
        raise InvalidInput(f"{where.code.name} defines no {what} {where.entry!r}; it defines {listed}")
    return (path.name,)
