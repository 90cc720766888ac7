"""The dependencies that are declared, and the versions that were tested together."""

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def declared() -> list[Requirement]:
    """Every requirement of the base and of the extras, other than Setpoint's own extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    return [r for r in map(Requirement, lines) if r.name != project["name"]]


def pinned() -> dict[str, str]:
    """Version of each library in constraints.txt."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    """A fresh install takes exactly what was tested."""
    pins = pinned()
    wrong = [str(r) for r in declared() if not r.specifier.contains(pins.get(canonicalize_name(r.name), "0"))]
    assert wrong == []


def test_all_holds_every_extra() -> None:
    """`setpoint[all]` leaves out nothing but the developer's tools."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.extras == extras.keys() - {"all", "dev"}
