"""Who may import whom: a room imports itself and lower ranks, equal ranks never meet."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "setpoint"

RANK = {
    "errors": 0,
    "domain": 1,
    "config": 1,
    "sandbox": 1,
    "faults": 2,
    "stats": 2,
    "runtime": 2,
    "ports": 2,
    "deploy": 3,
    "monitor": 3,
    "optimize": 3,
    "maintain": 3,
    "update": 3,
    "serve": 3,
    "store": 3,
    "platforms": 3,
    "govern": 3,
    "loop": 4,
    "bootstrap": 5,
    "demo": 6,
    "api": 7,
    "web": 7,
    "cli": 7,
}

# The facade that users import, and `python -m setpoint`: they stand above every room.
FACADE = {"__init__", "__main__"}


def room_of(file: Path, source: Path) -> str:
    """Name of the room a file belongs to: its first folder, or its own name at the top."""
    first = file.relative_to(source).parts[0]
    return first.removesuffix(".py")


def modules_imported(file: Path, source: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a file imports, wherever in the file it does so."""
    package = (source.name, *file.relative_to(source).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, name.name) for name in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package[: len(package) - level + 1] if level else ()
                base = ".".join([*above, *([module] if module else [])])
                yield from ((node.lineno, f"{base}.{name.name}") for name in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def rooms_imported(file: Path, source: Path) -> Iterator[tuple[int, str]]:
    """Line and room of every import from this package; `source.name` itself stands for the facade."""
    for line, module in modules_imported(file, source):
        top, *inside = module.split(".")
        if top == source.name:
            room = inside[0] if inside else top
            known = room in RANK or (source / room).is_dir() or (source / f"{room}.py").is_file()
            # `from setpoint import deploy` names a room when there is one, else something of the facade
            yield line, room if known or len(inside) > 1 else top


def violations(source: Path) -> list[str]:
    """Every import that points outward or sideways, and every file that belongs to no known room."""
    found = []
    for file in sorted(source.rglob("*.py")):
        here, where = room_of(file, source), file.relative_to(source)
        if where.parts[0].removesuffix(".py") in FACADE:
            continue
        if here not in RANK:
            found.append(f"{where}: no room is called {here}")
            continue
        for line, there in rooms_imported(file, source):
            if there == here:
                continue
            if there == source.name or there in FACADE:
                found.append(f"{where}:{line}: {here} imports the facade")
            elif there not in RANK:
                found.append(f"{where}:{line}: no room is called {there}")
            elif RANK[there] >= RANK[here]:
                found.append(f"{where}:{line}: {here} imports {there}")
    return found


def test_imports_point_inward() -> None:
    """A room imports itself and lower ranks; equal ranks never meet."""
    assert any(SOURCE.rglob("*.py")), f"nothing to check in {SOURCE}"
    assert violations(SOURCE) == []


def a_tree(root: Path, files: dict[str, str]) -> Path:
    """Write a package called setpoint, with these files, and return its folder."""
    source = root / "setpoint"
    for name, text in {"__init__.py": "", **files}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    return source


@pytest.mark.parametrize(
    "text",
    [
        "import setpoint.monitor",
        "import setpoint.monitor.drift as drift",
        "from setpoint import monitor",
        "from setpoint.monitor import drift",
        "from setpoint.monitor.drift import psi",
        "from .. import monitor",
        "from ..monitor.drift import psi",
        "def gate():\n    from setpoint.monitor import drift",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from setpoint.monitor import drift",
        "import importlib\ndrift = importlib.import_module('setpoint.monitor.drift')",
    ],
)
def test_a_stage_that_imports_another_is_named(tmp_path: Path, text: str) -> None:
    """However it is written, deploy importing monitor is reported with its file and line."""
    source = a_tree(tmp_path, {"deploy/gate.py": text, "monitor/drift.py": "import math"})
    line = text.count("\n") + 1
    assert violations(source) == [f"{Path('deploy/gate.py')}:{line}: deploy imports monitor"]


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("domain/value.py", "from setpoint.deploy import gate", "domain imports deploy"),
        ("runtime/session.py", "from ..stats import bounds", "runtime imports stats"),
        ("cli/main.py", "import setpoint", "cli imports the facade"),
        ("cli/main.py", "from setpoint import __version__", "cli imports the facade"),
        ("cli/main.py", "from .. import predict", "cli imports the facade"),
        ("loop/plan.py", "import setpoint.helpers.text", "no room is called helpers"),
        ("helpers/text.py", "import math", "no room is called helpers"),
    ],
)
def test_an_outward_import_is_named(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    """Equal ranks, higher ranks, the facade and rooms nobody declared are all refused."""
    (found,) = violations(a_tree(tmp_path, {file: text}))
    assert found.endswith(complaint)


def test_inward_imports_pass(tmp_path: Path) -> None:
    """Lower ranks, the room itself, other packages and the facade's own imports are fine."""
    files = {
        "__init__.py": "from setpoint.cli import main\nfrom setpoint.loop import plan",
        "__main__.py": "from setpoint.cli import main",
        "deploy/gate.py": "from setpoint.stats import bounds\nfrom . import rollout\nfrom .. import errors",
        "deploy/rollout.py": "from setpoint.deploy import gate",
        "bootstrap.py": "from setpoint import deploy, store\nfrom setpoint.loop.plan import plan",
    }
    assert violations(a_tree(tmp_path, files)) == []
