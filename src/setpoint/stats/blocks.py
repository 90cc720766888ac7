"""Is the newest block unlike the blocks before it? Prediction of block statistics under natural movement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.stats.intervals import inflation

FloatArray = NDArray[np.float64]

SPAN = 28  # blocks of history a block is judged by when movement is learnt
FEWEST = 8  # blocks that can foretell another
LIKED = 14
MOST = 60  # blocks that are looked back on


@dataclass(frozen=True, slots=True)
class Blocks:
    """Statistics of consecutive blocks: arrays of shape (n_blocks, n_columns), NaN where a block is mostly null."""

    rows: int  # of one block
    mean: FloatArray
    log_std: FloatArray


def blocks_of(values: FloatArray, rows: int, grain: FloatArray) -> Blocks:
    """Cut rows into consecutive blocks, ending with the last row; what does not fill a block is left out at the start.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float64
        NaN for null.
    rows : int
        Rows of a block.
    grain : ndarray of shape (n_columns,), float64
        Added to a block's standard deviation before the logarithm, so that a constant block has one.
    """
    count = len(values) // rows
    cut = values[len(values) - count * rows :].reshape(count, rows, values.shape[1])
    filled = ~np.isnan(cut)
    n = filled.sum(axis=1)
    plain = np.where(filled, cut, 0.0)
    enough = n >= max(1, rows // 2)
    mean = np.divide(plain.sum(axis=1), n, out=np.full(n.shape, np.nan), where=enough)
    centred = np.where(filled, cut - np.where(enough, mean, 0.0)[:, None, :], 0.0)
    variance = np.square(centred).sum(axis=1) / np.maximum(n, 1)
    return Blocks(
        rows=rows, mean=mean, log_std=np.where(enough, np.log(np.sqrt(variance) + np.maximum(grain, 1e-12)), np.nan)
    )


@dataclass(frozen=True, slots=True)
class Step:
    """How far a stretch of blocks is from what those before it foretell: arrays of shape (n_columns,)."""

    expected: FloatArray
    effect: FloatArray
    se: FloatArray  # of the prediction
    freedom: FloatArray


def step(history: FloatArray, now: FloatArray, usual: FloatArray | float | None = None) -> Step:
    """Compare the mean of the newest blocks with the mean of the blocks before.

    The error is that of a prediction: blocks move from one to the next by themselves, so many rows in one block do not
    make it more certain. Dependence between blocks is taken as AR(1).

    Parameters
    ----------
    history : ndarray of shape (n_history, n_columns), float64
        NaN for blocks without a value; columns with fewer than 8 blocks get an infinite error.
    now : ndarray of shape (n_now, n_columns), float64
    usual : float or ndarray of shape (n_columns,), optional
        Deviation known from elsewhere: a calm history is believed by half, the variance is the mean of both.
    """
    n_history, n_now = (~np.isnan(history)).sum(axis=0), (~np.isnan(now)).sum(axis=0)
    known = (n_history >= FEWEST) & (n_now > 0)
    expected = _mean(history, n_history)
    variance = _mean(np.square(history - expected), n_history - 1)
    if usual is not None:
        variance = np.maximum(variance, (variance + np.square(usual)) / 2)
    widened = inflation(np.where(np.isnan(history), expected, history))
    share = np.minimum(1.0, widened / np.maximum(n_now, 1)) + np.minimum(1.0, widened / np.maximum(n_history, 1))
    se = np.where(known, np.sqrt(variance * share), np.inf)
    effect = np.where(known, _mean(now, n_now) - expected, 0.0)
    return Step(expected, effect, se, np.maximum(n_history - 1.0, 1.0))


def _mean(values: FloatArray, n: NDArray[np.int64]) -> FloatArray:
    return np.asarray(np.nansum(values, axis=0) / np.maximum(n, 1), np.float64)


def walk(series: FloatArray) -> tuple[float, float]:
    """Judge every block by the `SPAN` blocks before it; return how far they step, and how far at worst.

    Parameters
    ----------
    series : ndarray of shape (n_blocks,), float64
        One column.

    Returns
    -------
    tuple of float
        Root mean square of the effects, in the unit of the series, and the largest |effect|/se; zeros for a series too
        short to walk through.
    """
    if len(series) < SPAN + FEWEST:
        return 0.0, 0.0
    windows = np.lib.stride_tricks.sliding_window_view(series, SPAN + 1).T
    usual = float(np.sqrt(np.mean(np.square(step(windows[:-1], windows[-1:]).effect))))
    judged = step(windows[:-1], windows[-1:], usual)
    worst = np.divide(np.abs(judged.effect), judged.se, out=np.zeros_like(judged.se), where=judged.se > 0)
    return usual, float(worst.max())


def deviation_high(series: FloatArray, alpha: float = 0.1) -> FloatArray:
    """Return the upper limit of the standard deviation of each column (χ² bound at `alpha`)."""
    n = (~np.isnan(series)).sum(axis=0)
    spread = np.sqrt(_mean(np.square(series - _mean(series, n)), n - 1))
    freedom = np.maximum(n - 1, 1)
    return np.asarray(spread * np.sqrt(freedom / special.chdtri(freedom, 1 - alpha)), np.float64)


def runs_of(values: NDArray[np.generic]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where runs of equal values start, and how long they are. Nulls equal nothing."""
    starts = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1]) if len(values) else np.zeros(0, int)
    return starts, np.diff(np.append(starts, len(values)))


def block_rows(recent: int, baseline: int) -> int:
    """Return the rows of a block: as many as are recent, fewer where the baseline is short, 0 where it is too short."""
    rows = recent if baseline >= recent * FEWEST else baseline // LIKED
    return rows if rows >= FEWEST else 0
