"""Means and deviations of stretches in the units of the reference, robust against single wild values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.cuts import Cuts
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
    wild = (column.low < limits.clip_low) | (column.high > limits.clip_high) | (column.infinite > 0)
    if wild.any():
        clipped = _clipped(column.bins[wild], column.cuts, limits)
        mean[wild], std[wild] = clipped
    few = column.bins.sum(axis=1) < FEWEST_ROWS
    mean[few] = std[few] = np.nan
    grain = max(limits.grain, FINEST * limits.std)
    return Moments(
        rows=column.bins.sum(axis=1),
        mean=mean / limits.std,
        std=std / limits.std,
        log_std=np.log((std + grain) / limits.std),
    )


def _clipped(bins: NDArray[np.int64], cuts: Cuts, limits: ColumnLimits) -> tuple[FloatArray, FloatArray]:
    """Return means and deviations from the bins, values beyond the reference taken as the largest that may weigh."""
    edges = np.asarray(cuts.edges)
    values = np.concatenate([[limits.clip_low], (edges[1:] + edges[:-1]) / 2, [limits.clip_high]])
    shares = bins / np.maximum(bins.sum(axis=1, keepdims=True), 1)
    mean = shares @ values
    variance = np.square(values[None, :] - mean[:, None]) * shares
    return mean, np.sqrt(variance.sum(axis=1))
