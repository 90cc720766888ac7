"""What every trainer is asked, and what it tells while it works."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from setpoint.domain.schema import Schema
from setpoint.domain.update import Method


class Report:
    """What a training tells: lines while it goes on, and figures that are kept with its result.

    A line is printed. One that begins with `[40 %]` tells how much is done; a user's own training may print such lines.
    """

    def __init__(self) -> None:
        self.measures: dict[str, float] = {}

    def say(self, words: str, done: float | None = None) -> None:
        """Tell what goes on, and which share is done (0 to 1) if that is known."""
        print(words if done is None else f"[{done:.0%}] {words}".replace("%]", " %]"), flush=True)  # noqa: T201

    def measure(self, name: str, value: float) -> None:
        """Keep a figure under a name."""
        self.measures[name] = float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRequest:
    """One training.

    The artefact is a bundle's own file: scanned when it was imported, and checked against its digest since.
    `table` has features and target in time order; the column `setpoint_weight`, if there is one, weighs the rows. Its
    last `new_rows` came after the champion's training; None: not known, so all count as new. `trusted` are types beyond
    the known safe ones that the artefact may hold. What is written into `checkpoints` is there again when a training
    that was killed is begun anew.
    """

    artifact: Path
    table: pa.Table
    schema: Schema
    workdir: Path
    method: Method
    seed: int = 0
    new_rows: int | None = None
    trusted: tuple[str, ...] = ()
    checkpoints: Path | None = None
    report: Report = field(default_factory=Report)

    @property
    def fresh(self) -> int:
        """How many of the last rows the champion has not learnt from."""
        count: int = self.table.num_rows
        return count if self.new_rows is None else min(self.new_rows, count)


Trainer = Callable[[FitRequest], Path]  # the new artefact, a file in `workdir`
