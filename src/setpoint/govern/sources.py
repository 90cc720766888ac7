"""A model that is a class in a file of the user's own: `model.py:Class`. Naming it is vouching for it."""

import ast
from pathlib import Path

from setpoint.errors import InvalidInput

MAX_BYTES = 2**20


def is_source(path: Path) -> bool:
    """Whether `artifact:` names a class in a Python file."""
    return ".py:" in path.name


def scan(path: Path) -> tuple[str, ...]:
    """Check that the file holds the class, without running it, and return its name.

    Raises
    ------
    InvalidInput
        If there is no such file, it is no Python, or it defines no such class.
    """
    script, _, kind = path.name.rpartition(":")
    file = path.with_name(script)
    if not file.is_file():
        raise InvalidInput(f"there is no file {file} (`artifact: {path.name}`)")
    if file.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{script} has {file.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
    classes = _classes(file)
    if kind not in classes:
        raise InvalidInput(f"{script} defines no class {kind!r}; it defines {', '.join(classes) or 'none'}")
    return (path.name,)


def _classes(file: Path) -> list[str]:
    try:
        tree = ast.parse(file.read_bytes(), file.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        line = f", line {e.lineno}" if isinstance(e, SyntaxError) and e.lineno else ""
        raise InvalidInput(f"{file.name}{line} is no Python of this release: {str(e).splitlines()[0]}") from e
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
