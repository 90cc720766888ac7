"""Means and deviations of stretches in the units of the reference, robust against single wild values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.far import middles, wholly_outside
from setpoint.domain.series import ColumnSeries
from setpoint.monitor.limits import ColumnLimits

FEWEST_ROWS = 8  # of a stretch that has moments
BLIND = 0.05  # a stretch's deviation below this share of the reference's is not believed
FINEST = 0.01  # of the reference's deviation: what a constant stretch is taken to vary by

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Of n stretches: rows, mean, standard deviation and its logarithm, shape (n,); NaN where there are few rows.

    Means and deviations are in standard deviations of the reference.
    """

    rows: NDArray[np.int64]
    mean: FloatArray
    std: FloatArray
    log_std: FloatArray


def moments(column: ColumnSeries, limits: ColumnLimits) -> Moments:
    """Return the moments of a numeric column; its limits have a positive `std`."""
    mean, std = column.mean, column.std
    wild = _wild(column, limits)
    if wild.any():
        mean[wild], std[wild] = _clipped(column.take(wild), limits)
    few = column.bins.sum(axis=1) < FEWEST_ROWS
    mean[few] = std[few] = np.nan
    grain = max(limits.grain, FINEST * limits.std)
    return Moments(
        rows=column.bins.sum(axis=1),
        mean=mean / limits.std,
        std=std / limits.std,
        log_std=np.log((std + grain) / limits.std),
    )


def _wild(column: ColumnSeries, limits: ColumnLimits) -> NDArray[np.bool_]:
    """Return which stretches hold values that would rule their moments, and are not mostly such values."""
    far = wholly_outside(column.marked, column.cuts.edges, limits.clip_low, limits.clip_high)
    few = 2 * column.marks[:, far].sum(axis=1) < column.bins.sum(axis=1)
    some = (column.low < limits.clip_low) | (column.high > limits.clip_high)
    return np.asarray((some & few) | (column.infinite > 0))


def _clipped(column: ColumnSeries, limits: ColumnLimits) -> tuple[FloatArray, FloatArray]:
    """Return means and deviations from the bins; values beyond the reference weigh as much as they may."""
    edges, low, high = np.asarray(column.cuts.edges), limits.clip_low, limits.clip_high
    far = middles(column.marked, column.cuts.edges)
    inner = (edges[1:] + edges[:-1]) / 2
    inner[:1], inner[-1:] = limits.tails  # a heavy tail's last bin has its rows at one end
    values = np.concatenate([inner, np.clip(far, low, high), [low, high]])
    below, above = (column.marks[:, side].sum(axis=1) for side in (far < edges[0], far >= edges[0]))
    untold = np.maximum(column.bins[:, [0, -1]] - np.column_stack([below, above]), 0)
    shares = np.column_stack([column.bins[:, 1:-1], column.marks, untold]).astype(np.float64)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    mean = shares @ values
    return mean, np.sqrt((np.square(values[None, :] - mean[:, None]) * shares).sum(axis=1))
