"""Which rows a network learns, is watched on, and must not forget."""

from dataclasses import dataclass

import numpy as np

from setpoint.domain.records import Column

WATCHED = 0.1  # of the new rows, the latest: training stops when it no longer helps there
KEPT_ASIDE, MOST_KEPT = 0.1, 2_000  # of the old rows, and at most: they show what was forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Places of rows, each of shape (n,), int64: those it learns, is watched on, and those of the past kept aside."""

    learnt: Column
    watched: Column
    kept_aside: Column

    @property
    def used(self) -> tuple[Column, Column]:
        """Those that training sees: to learn, and to stop by."""
        return self.learnt, self.watched


def parted(rows: int, fresh: int, seed: int, *, rehearsed: float | None = 1.0) -> Parts:
    """Part a training set in time order, whose last `fresh` rows the champion has not learnt from.

    Parameters
    ----------
    rehearsed : float or None
        How many old rows are learnt again for each new one, drawn by the seed; None: all.

    References
    ----------
    D. Rolnick et al., "Experience replay for continual learning", NeurIPS 2019: rehearsing old rows in equal parts
    with new ones keeps what was learnt.
    """
    watched = max(1, round(WATCHED * max(fresh, 1)))
    new = np.arange(rows - fresh, rows - watched)
    order = np.random.default_rng(seed).permutation(rows - max(fresh, watched))
    aside = min(MOST_KEPT, round(KEPT_ASIDE * len(order)))
    again = len(order) - aside if rehearsed is None else min(len(order) - aside, round(rehearsed * fresh))
    old = np.sort(order[aside : aside + again])
    return Parts(
        learnt=np.concatenate([old, new]), watched=np.arange(rows - watched, rows), kept_aside=np.sort(order[:aside])
    )
