"""Model files that would act if they were loaded, made on the spot: each would leave a marker behind.

A module here holds one kind. Its functions, marked with `@attack`, write one into an empty folder, and return its name.
Nothing here loads what it wrote.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

KINDS = ("pickled", "archived", "graphs", "directories")  # modules of this package

Make = Callable[[Path, Path], str]  # an empty folder, and the marker; returns `artifact:`
ATTACKS: dict[str, tuple[Make, tuple[str, ...]]] = {}


def attack(*named: str) -> Callable[[Make], Make]:
    """Register an attack by the name of its function; its refusal names all of these."""

    def register(make: Make) -> Make:
        assert make.__name__ not in ATTACKS
        ATTACKS[make.__name__] = make, named
        return make

    return register


def all_attacks() -> dict[str, tuple[Make, tuple[str, ...]]]:
    """Return every attack by its name, with what its refusal must name; nothing is made yet."""
    for kind in KINDS:
        import_module(f"tests.malicious.{kind}")
    return ATTACKS
