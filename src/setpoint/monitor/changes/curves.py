"""Distributions as curves: what a profile tells of the share of rows up to any number."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.far import counts_up
from setpoint.domain.profile import ColumnProfile

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """The shares of rows at most `at`, shape (n,), rising; exact at these points, linear or in steps between them."""

    at: FloatArray
    share: FloatArray
    steps: bool = False

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the share of rows at most `x`."""
        if self.steps:
            found = np.searchsorted(self.at, x, side="right")
            return np.append(0.0, self.share)[found]
        return np.interp(x, self.at, self.share, left=0.0, right=1.0)

    def quantile(self, q: FloatArray) -> FloatArray:
        """Return the number that a share of the rows is at most."""
        if self.steps:
            return self.at[np.minimum(np.searchsorted(self.share, q - 1e-12), len(self.at) - 1)]
        return np.interp(q, self.share, self.at)


def curve_of(profile: ColumnProfile, steps: bool = False) -> Curve:
    """Return the curve of the numbers of a profile; there must be some."""
    edges, rows = np.asarray(profile.cuts.edges), int(profile.bins.sum())
    far, count = counts_up(profile.marks, profile.cuts.edges) if len(profile.marks) else (edges[:0], profile.bins[:0])
    ends = [profile.high] if steps else [profile.low, profile.high]
    at = np.concatenate([far, edges, ends])
    share = np.concatenate(
        [np.where(count < 0, rows + count, count), np.cumsum(profile.bins[:-1]), [0, rows][-len(ends) :]]
    )
    known = (at >= profile.low) & (at <= profile.high)
    order = np.lexsort((share[known], at[known]))
    return Curve(at[known][order], np.maximum.accumulate(share[known][order]) / rows, steps)


def gap(window: Curve, reference: Curve, factor: float = 1.0, offset: float = 0.0) -> float:
    """Return the largest difference between a window and `factor` × the reference + `offset`.

    It is taken where the window's curve is exact. Between its own points the reference is a line or, of columns whose
    values repeat, a step: whichever is nearer.
    """
    at = np.nan_to_num((window.at - offset) / factor)
    first = 0 if window.steps else 1  # of lines the first point is the lowest value, which a step is past
    told = [_gap(window.share[first:], at[first:], replace(reference, steps=True), factor)]
    if not reference.steps:
        told.append(_gap(window.share[first:], at[first:], reference, factor))
    return min(told)


def _gap(share: FloatArray, at: FloatArray, reference: Curve, factor: float) -> float:
    slack = 1e-9 * np.abs(at) if reference.steps else 0.0
    told = reference(at + slack) if factor > 0 else 1.0 - reference(at - slack)
    return float(np.abs(share - told).max(initial=0.0))
