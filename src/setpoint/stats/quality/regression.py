"""Metrics of numbers and forecasts: errors in the target's unit, relative, scaled, and of quantiles and intervals."""

import numpy as np

from setpoint.stats.quality.measured import FloatArray, Measured, mean, ratio, undefined


def mae(y: FloatArray, score: FloatArray) -> Measured:
    """Mean absolute error."""
    return mean(np.abs(y - score))


def bias(y: FloatArray, score: FloatArray) -> Measured:
    """Mean error: predicted minus true."""
    return mean(score - y)


def rmse(y: FloatArray, score: FloatArray) -> Measured:
    """Root mean squared error."""
    return _root(mean(np.square(y - score)))


def rmsle(y: FloatArray, score: FloatArray) -> Measured:
    """Root mean squared error of log(1 + value)."""
    if min(y.min(), score.min()) <= -1:
        return undefined(len(y), "rmsle needs outcomes and predictions above -1")
    return _root(mean(np.square(np.log1p(y) - np.log1p(score))))


def _root(square: Measured) -> Measured:
    root = float(np.sqrt(square.value))
    return Measured(value=root, psi=square.psi / (2 * root) if root else square.psi)


def r2(y: FloatArray, score: FloatArray) -> Measured:
    """Share of the outcome's variance explained."""
    squares, spread = np.square(y - score), np.square(y - y.mean())
    variance = float(spread.mean())
    if not variance:
        return undefined(len(y), "all outcomes are the same: there is no variance to explain")
    explained = 1 - float(squares.mean()) / variance
    return Measured(value=explained, psi=((1 - explained) * spread - squares) / variance)


def median_absolute_error(y: FloatArray, score: FloatArray) -> Measured:
    """Median absolute error; the density at the median, for its influence, is the slope of the quantiles around it."""
    error = np.abs(y - score)
    value = float(np.median(error))
    step = min(0.5, max(len(error) ** -0.4, 2 / len(error)))
    low, high = np.quantile(error, [0.5 - step / 2, 0.5 + step / 2])
    return Measured(value=value, psi=_centred((high - low) / step * ((error > value) - 0.5)))


def mape(y: FloatArray, score: FloatArray) -> Measured:
    """Mean absolute error as a fraction of the outcome."""
    zeros = int((y == 0).sum())
    if zeros:
        return undefined(len(y), f"mape divides by the outcome, which is 0 in {zeros} of {len(y)} rows; wape does not")
    return mean(np.abs((y - score) / y))


def smape(y: FloatArray, score: FloatArray) -> Measured:
    """Mean of twice the absolute error over the size of both, 0 to 2; a row of two zeros is right."""
    size = np.abs(y) + np.abs(score)
    return mean(np.divide(2 * np.abs(y - score), size, out=np.zeros_like(size), where=size > 0))


def wape(y: FloatArray, score: FloatArray) -> Measured:
    """Sum of the absolute errors over the sum of the outcomes' sizes."""
    return ratio(np.abs(y - score), np.abs(y), why="all outcomes are 0: there is nothing to weigh errors by")


def mase(y: FloatArray, score: FloatArray, season: int) -> Measured:
    """Mean absolute error over that of the naive forecast 'as `season` rows before', on the same rows in time order.

    References
    ----------
    R. J. Hyndman, A. B. Koehler, "Another look at measures of forecast accuracy", Int. J. Forecasting 22, 2006.
    """
    if len(y) <= season:
        return undefined(len(y), f"mase needs more rows than the season of {season}; there are {len(y)}")
    naive = np.zeros_like(y)
    naive[season:] = np.abs(y[season:] - y[:-season]) * (len(y) / (len(y) - season))
    return ratio(np.abs(y - score), naive, why=f"the outcome is always as {season} rows before: naive makes no error")


def pinball(y: FloatArray, score: FloatArray, quantile: float) -> Measured:
    """Mean pinball loss of a forecast of a quantile."""
    above = y - score
    return mean(np.maximum(quantile * above, (quantile - 1) * above))


def _centred(psi: FloatArray) -> FloatArray:
    return np.asarray(psi - psi.mean(), np.float64)
