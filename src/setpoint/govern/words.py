"""How a refusal names what it found."""

from collections.abc import Collection

from setpoint.errors import Unsafe

SHOWN = 5


def listed(names: Collection[str]) -> str:
    """Return the first few names in order, and how many more there are."""
    shown = sorted(names)[:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def refuse_strangers(name: str, strangers: Collection[str]) -> None:
    """Raise Unsafe if there are any."""
    if strangers:
        raise Unsafe(
            f"{name} imports {listed(strangers)}, not known to be safe; it was not loaded. If you wrote the file "
            f"and trust {'it' if len(strangers) == 1 else 'them'}, list the full names under `allow:` in setpoint.yaml"
        )
