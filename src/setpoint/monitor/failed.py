"""A monitor that raises must not silence the others: what it found so far is kept, and that it failed is a finding."""

from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

from setpoint.domain.finding import Finding
from setpoint.monitor.seen import Seen

FAILED = "failed"

Known = TypeVar("Known")


def kept(seen: Seen, monitor: Callable[..., Iterator[Finding]], *args: Any) -> list[Finding]:
    """Return what a monitor reports; if it raises, what it reported before, and an alarm that says where it failed."""
    found: list[Finding] = []
    try:
        found.extend(monitor(*args))
    except Exception as e:  # whatever it is, the other monitors must be heard
        found.append(failure(seen, monitor.__name__, e))
    return found


def tried(seen: Seen, part: str, do: Callable[[], Known], otherwise: Known) -> tuple[Known, tuple[Finding, ...]]:
    """Return what a part of a look makes, or something instead and an alarm that says where it failed."""
    try:
        return do(), ()
    except Exception as e:  # as above
        return otherwise, (failure(seen, part, e),)


def failure(seen: Seen, name: str, error: Exception) -> Finding:
    """Return an alarm that a monitor could not judge. The words of the error may hold values of rows: left out."""
    last = extract_tb(error.__traceback__)[-1]
    return Finding(
        monitor=FAILED,
        metric=name,
        since=seen.started,
        until=seen.now,
        rows=len(seen.recent),
        value=1.0,
        limit=0.0,
        alarm=True,
        detail=f"could not judge this look: {type(error).__name__} in {Path(last.filename).name}, line {last.lineno}; "
        "the other monitors did; please report it",
    )
