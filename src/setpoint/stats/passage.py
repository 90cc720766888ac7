"""How long evidence takes to reach a limit: growth of a gambler's fortune, and the time of first passage."""

import math

import numpy as np
from scipy import special

from setpoint.stats.betting import KEENNESS, MOST, FloatArray

STEPS = 60  # of a bisection


def growth(values: FloatArray, chances: FloatArray, *, mean: float, low: float, weight: float) -> float:
    """Return by how much a row adds to the logarithm of the best gambler's fortune, on average.

    Parameters
    ----------
    values, chances : ndarray of shape (n_values,)
        What a row may be worth, and how likely.
    mean, low, weight : float
        As of `betting.log_fortunes`.
    """
    bets = np.minimum(KEENNESS * weight, MOST / (mean - low))
    return float((np.log1p(bets[:, None] * (values - mean)) @ chances).max())


def normal_growth(effect: float, sd: float, *, room: float, weight: float) -> float:
    """Return the same for rows with a mean of `effect` above the hypothesis and a standard deviation, to second order.

    Parameters
    ----------
    room : float
        From the least a row may be worth to the mean under the hypothesis.
    """
    bets = np.minimum(KEENNESS * weight, MOST / room)
    return float((bets * effect - np.square(bets) * (sd**2 + effect**2) / 2).max())


def passage(limit: float, share: float) -> float:
    """Return after how many times its mean time a log fortune has reached a limit in this share of runs.

    A log fortune that grows by g a row has a variance of about 2 g a row, so the time of first passage is inverse
    Gaussian with mean limit/g and shape limit²/2g.

    References
    ----------
    E. Schrödinger, "Zur Theorie der Fall- und Steigversuche an Teilchen mit Brownscher Bewegung", 1915.
    """
    low, high = 0.0, 50.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _reached(limit / 2, middle) < share else (low, middle)
    return high


def _reached(shape: float, time: float) -> float:
    root = math.sqrt(shape / time)
    late = math.exp(2 * shape + float(special.log_ndtr(-root * (time + 1))))
    return float(special.ndtr(root * (time - 1))) + late
