"""Confidence bounds that hold for one-sided looks: shares, quantiles, means of dependent rows."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]


def share_low(hits: float, rows: float, alpha: float) -> float:
    """Return the lower Clopper–Pearson bound of a share, exceeding the truth with probability at most `alpha`.

    Parameters
    ----------
    hits, rows : float
        Rows that count, of all rows; fractions are allowed (effective rows of a dependent stream).
    alpha : float
        One-sided error.
    """
    return 0.0 if hits <= 0 else float(special.betaincinv(hits, rows - hits + 1, alpha))


def share_high(hits: float, rows: float, alpha: float) -> float:
    """Return the upper Clopper–Pearson bound of a share; see `share_low`."""
    return 1.0 if hits >= rows else float(special.betaincinv(hits + 1, rows - hits, 1 - alpha))


def t_quantile(alpha: float, freedom: float) -> float:
    """Return the value a Student t variable exceeds with probability `alpha` (> 0)."""
    return -float(special.stdtrit(freedom, alpha))


def quantile_bounds(values: FloatArray, q: float, alpha: float) -> tuple[float, float]:
    """Bound the q-quantile by two order statistics, each side wrong with probability at most `alpha`.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
        At least one value.

    Returns
    -------
    tuple of float
        -inf or inf where no order statistic bounds it at this level: too few rows.
    """
    n = len(values)
    ordered = np.sort(values)
    counts = np.arange(n + 1)
    below = special.bdtr(counts, n, q)  # P(at most k values lie under the quantile)
    low = int(np.searchsorted(below, alpha, side="right"))  # smallest k with P(<= k) > alpha
    high = int(np.searchsorted(below, 1 - alpha, side="left")) + 1
    return (
        float(ordered[low - 1]) if low >= 1 else -np.inf,
        float(ordered[high - 1]) if high <= n else np.inf,
    )


def block_se(psi: FloatArray, blocks: int = 20) -> tuple[float, int]:
    """Return the standard error of a mean of dependent rows, and its degrees of freedom.

    Means of consecutive blocks vary as the mean of all does, times √blocks; what correlation is left between
    neighbouring blocks is taken as AR(1) and widens the error (never narrows it).

    Parameters
    ----------
    psi : ndarray of shape (n,), float64
        One value a row in time order; for a metric that is not a mean, its influence values.

    Returns
    -------
    tuple of float and int
        (inf, 1) below 8 rows.
    """
    count = min(blocks, len(psi) // 4)
    if count < 2:
        return np.inf, 1
    means = block_means(psi, count)
    return float(means.std(ddof=1) / np.sqrt(count) * np.sqrt(inflation(means[:, None])[0])), count - 1


def block_means(values: FloatArray, count: int) -> FloatArray:
    """Return the means of `count` consecutive stretches of almost equal length."""
    edges = np.linspace(0, len(values), count + 1).astype(int)
    sums = np.add.reduceat(values, edges[:-1])
    return np.asarray(sums / np.diff(edges), np.float64)


def inflation(blocks: FloatArray) -> FloatArray:
    """Return how much AR(1) dependence multiplies the variance of a mean: (1 + ρ)/(1 − ρ), at least 1.

    Parameters
    ----------
    blocks : ndarray of shape (n_blocks, n_series), float64
        Block means in time order. ρ is the lag-one correlation plus 1/n_blocks, its usual bias.
    """
    centred = blocks - blocks.mean(axis=0)
    power = np.square(centred).sum(axis=0)
    lagged = (centred[1:] * centred[:-1]).sum(axis=0)
    rho = np.divide(lagged, power, out=np.zeros_like(power), where=power > 0) + 1 / len(blocks)
    rho = np.clip(rho, 0.0, 0.95)
    return np.asarray((1 + rho) / (1 - rho), np.float64)


def design_effect(scores: FloatArray, blocks: int = 20) -> float:
    """Return how many dependent rows are worth one: variance of block means against that of independent rows."""
    if len(scores) < 2 * blocks or not scores.std():
        return 1.0
    return max(float(block_means(scores, blocks).var(ddof=1) / scores.var()) * len(scores) / blocks, 1.0)
