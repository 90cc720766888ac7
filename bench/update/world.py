"""A stream with a label delay: what is known when, what a schedule of fits would have cost, what came of it."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from fits import Fits
from streams import REFERENCE, UNITS, Stream

from setpoint.domain.schema import Task
from setpoint.stats.losses import losses

DELAYS = (0, 1, 10)  # units


@dataclass(frozen=True)
class World:
    """One stream whose outcomes come `delay` units late. A policy looks at the start of every unit."""

    stream: Stream
    fits: Fits
    delay: int
    sums: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def frontier(self, unit: int) -> int:
        """Return the row from which no outcome is known when a unit begins."""
        return self.stream.row(max(REFERENCE, unit - self.delay))

    def rows(self, unit: int) -> slice:
        return slice(self.stream.row(unit), self.stream.row(unit + 1))

    @property
    def looks(self) -> range:
        return range(REFERENCE, UNITS)

    @property
    def first(self) -> tuple[int, int]:
        """The rows that the first model learnt."""
        return 0, self.stream.row(REFERENCE)

    def losses(self, learnt: tuple[int, int]) -> np.ndarray:
        """Return the loss on each row of the model that learnt some rows; NaN before they end."""
        return self.loss_of(self.fits.scores(*learnt))

    def unit_losses(self, learnt: tuple[int, int]) -> np.ndarray:
        """Return the summed loss in each unit of the model that learnt some rows."""
        if learnt not in self.sums:
            starts = [self.stream.row(u) for u in range(UNITS)]
            self.sums[learnt] = np.add.reduceat(self.losses(learnt), starts)
        return self.sums[learnt]

    def loss_of(self, scores: np.ndarray) -> np.ndarray:
        return losses(self.stream.task, scores, self.stream.y)

    @cached_property
    def naive(self) -> np.ndarray:
        """Return the losses of 'same as last', on all rows from the reference's end.

        Of classes: of how often the last known class was followed by the second class, as far as is known.
        """
        s, n = self.stream, len(self.stream.y)
        delay = s.row(self.delay)
        back = s.lag * -(-(delay + 1) // s.lag)
        scores = np.full(n, np.nan)
        if s.task is Task.REGRESSION:
            scores[back:] = s.y[:-back]
            return self.loss_of(scores)
        for unit in self.looks:
            known, rows = self.frontier(unit), self.rows(unit)
            now, before = s.y[back:known], s.y[: known - back]
            last = s.y[rows.start - back : rows.stop - back]
            scores[rows] = np.where(last == 1.0, now[before == 1.0].mean(), now[before == 0.0].mean())
        return self.loss_of(scores)


@dataclass
class Outcome:
    """What a policy came to: the loss of every row after the reference, and what it did."""

    losses: np.ndarray
    fits: int = 0
    promotions: int = 0
    scores: np.ndarray | None = None
    said: list[str] = field(default_factory=list)

    @property
    def loss(self) -> float:
        return float(self.losses.mean())


def served(world: World, schedule: dict[int, tuple[int, int]]) -> Outcome:
    """Return what came of serving, from each unit on, the model that learnt certain rows."""
    learnt, parts, scores = world.first, [], []
    for unit in world.looks:
        learnt = schedule.get(unit, learnt)
        parts.append(world.losses(learnt)[world.rows(unit)])
        scores.append(world.fits.scores(*learnt)[world.rows(unit)])
    return Outcome(np.concatenate(parts), len(schedule), len(schedule), np.concatenate(scores))
