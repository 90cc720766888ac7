"""Profiles of whole columns of many numbers, fast: by a fine grid of equal cells instead of sorting.

The quantile cuts are ends of cells, so both tables are counted exactly alike. Columns that the grid does not resolve
(few values, or most rows in one place) are counted as windows of the record log are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.cuts import HEAVIEST, INNER_BINS, Counted, Cuts
from setpoint.domain.far import FAR, far_of
from setpoint.domain.profile import Binning, ColumnProfile, cuts_of, profile_of
from setpoint.monitor.tables.reading import Numbers

MANY = 200_000  # rows from which on a column is counted by the grid
CELLS = 1 << 14
TAIL = 0.0005  # share of rows beyond the grid, on either side
GLANCE = 10_000  # rows that the grid is laid by

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one width from `start` on; the outer two hold all that is beyond."""

    start: float
    each: float

    def counts(self, values: FloatArray) -> IntArray:
        """Return the rows of each cell."""
        place = values - self.start
        place *= 1.0 / self.each
        np.clip(place, 0, CELLS - 1, out=place)
        return np.bincount(place.astype(np.intp), minlength=CELLS)


def both(reference: Numbers, current: Numbers, kind: Counted) -> tuple[ColumnProfile, ColumnProfile]:
    """Return the profiles of a column in two tables, by cuts of the reference."""
    fast = _by_grid(reference, current) if kind == Counted.NUMERIC and reference.rows > MANY else None
    if fast is not None:
        return fast
    cuts = cuts_of(reference.values, kind)
    return _plain(reference, cuts), _plain(current, cuts)


def _plain(numbers: Numbers, cuts: Cuts) -> ColumnProfile:
    counted = profile_of({"": numbers.values}, Binning(columns={"": cuts})).columns[""]
    return counted + ColumnProfile(cuts=cuts, bins=0 * counted.bins, marks=0 * counted.marks, nulls=numbers.nulls)


def _by_grid(reference: Numbers, current: Numbers) -> tuple[ColumnProfile, ColumnProfile] | None:
    x = reference.values
    if not len(x) or not len(current.values):
        return None
    low, high = float(x.min()), float(x.max())
    seen = x[:: max(len(x) // GLANCE, 1)]
    start, stop = np.quantile(seen, [TAIL, 1 - TAIL]) if np.isfinite(low + high) else (0.0, 0.0)
    grid = Grid(float(start), float(stop - start) / CELLS)
    if not 1e-290 < grid.each < 1e290:
        return None
    counts = grid.counts(x)
    if counts.max() * INNER_BINS > len(x):
        return None
    cells = _cut_cells(counts)
    edges = (np.nextafter(low, -np.inf), *(grid.start + cells * grid.each).tolist(), high)
    cuts = Cuts(kind=Counted.NUMERIC, edges=edges, origin=float(np.round(seen.mean(), 6)))
    bins = _bins(counts, cells)
    p = _profile(reference, bins, cuts)
    return p, _profile(current, _bins(grid.counts(current.values), cells), cuts)


def _cut_cells(counts: IntArray) -> IntArray:
    """Return the cells that inner cuts stand before, at quantiles."""
    wanted = np.linspace(0, counts.sum(), INNER_BINS + 1)[1:-1]
    return np.unique(np.clip(np.searchsorted(np.cumsum(counts), wanted) + 1, 1, CELLS - 1))


def _bins(counts: IntArray, cells: IntArray) -> IntArray:
    return np.asarray(np.add.reduceat(counts, np.append(0, cells)), np.int64)


def _profile(numbers: Numbers, inner: IntArray, cuts: Cuts) -> ColumnProfile:
    x, low, high = numbers.values, cuts.edges[0], cuts.edges[-1]
    least, most = float(x.min()), float(x.max())
    bins = np.concatenate([[0], inner, [0]])
    marks, infinite = np.zeros(0, np.int64), 0
    if least <= low or most > high:
        beyond = x[(x <= low) | (x > high)]
        below = int((beyond <= low).sum())
        bins[[0, 1, -2, -1]] += [below, -below, below - len(beyond), len(beyond) - below]
        marks = np.bincount(far_of(beyond, cuts.edges), minlength=FAR)
        infinite = int(np.isinf(beyond).sum())
    if infinite:
        x = x[np.isfinite(x)]
        least, most = float(x.min(initial=np.inf)), float(x.max(initial=-np.inf))
    away = x - cuts.origin
    if max(abs(least), abs(most)) > HEAVIEST:
        np.clip(away, -HEAVIEST, HEAVIEST, out=away)
    return ColumnProfile(
        cuts=cuts, bins=bins, marks=marks, nulls=numbers.nulls, infinite=infinite, low=least, high=most,
        total=float(away.sum()), squares=float(away @ away),
    )  # fmt: skip
