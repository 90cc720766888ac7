"""What a Python file says of a class without being run: that it is there, and which files belong to it."""

import ast
from pathlib import Path, PurePath

from setpoint.errors import InvalidInput

MAX_BYTES = 2**20
FILES = "files"  # the class's list of the files beside it that it reads


def names_in(file: Path) -> dict[str, tuple[str, ...]]:
    """Return the classes and functions of a file by name, each with the files that it lists in `files`.

    Raises
    ------
    InvalidInput
        If there is no such file, it is too large or no Python, or a list is not written out.
    """
    if not file.is_file():
        raise InvalidInput(f"there is no file {file}")
    if file.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{file.name} has {file.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
    try:
        tree = ast.parse(file.read_bytes(), file.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        line = f", line {e.lineno}" if isinstance(e, SyntaxError) and e.lineno else ""
        raise InvalidInput(f"{file.name}{line} is no Python of this release: {str(e).splitlines()[0]}") from e
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: _files(node, file) for node in tree.body if isinstance(node, kinds)}


def _files(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, file: Path) -> tuple[str, ...]:
    if not isinstance(node, ast.ClassDef):
        return ()
    lists = [s.value for s in node.body if isinstance(s, ast.Assign | ast.AnnAssign) and FILES in _targets(s)]
    return _written(lists[-1], node.name, file) if lists else ()


def _targets(assigned: ast.Assign | ast.AnnAssign) -> list[str]:
    return [ast.unparse(t) for t in (assigned.targets if isinstance(assigned, ast.Assign) else [assigned.target])]


def _written(listed: ast.expr | None, name: str, file: Path) -> tuple[str, ...]:
    where = f"{file.name}: {name}.{FILES}"
    try:
        found = ast.literal_eval(listed) if listed else None
    except ValueError:
        found = None
    if not isinstance(found, list | tuple) or not all(isinstance(f, str) for f in found):
        raise InvalidInput(f"{where} must be a list of names written out, like ['weights.npy']")
    for other in found:
        if PurePath(other).name != other or (file.parent / other).is_symlink() or not (file.parent / other).is_file():
            raise InvalidInput(f"{where} lists {other!r}, which is no file beside {file.name}")
    return tuple(found)
