"""An estimate that learns from its own past errors how far to trust itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]

RELIANCE = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # on the change of the estimate
MOVEMENT = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0])  # of the level between windows, in sampling errors
PRIOR = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 0.25, 0.125])  # of each movement: large ones are rare
FORGET = 0.95  # of what a window's evidence weighs, a window later
FREEDOM = 4.0  # of Student's t: rare jumps must not decide everything


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of Student t distributions (4 degrees of freedom); arrays of shape (n_models,)."""

    weight: FloatArray
    centre: FloatArray
    scale: FloatArray

    @property
    def mean(self) -> float:
        """The mean."""
        return float(self.weight @ self.centre)

    def quantile(self, p: float) -> float:
        """Return the value below which the realised one lies with probability `p`, by bisection."""
        reach = -float(special.stdtrit(FREEDOM, min(p, 1 - p))) * float(self.scale.max())
        low, high = float(self.centre.min()) - reach, float(self.centre.max()) + reach
        for _ in range(60):
            middle = (low + high) / 2
            below = float(self.weight @ special.stdtr(FREEDOM, (middle - self.centre) / self.scale))
            low, high = (middle, high) if below < p else (low, middle)
        return (low + high) / 2


def tracked(estimates: FloatArray, realised: FloatArray, errors: FloatArray, late: int = 1) -> Mixture:
    """Foretell the next realised value.

    realised = level + reliance × estimate + sampling error, the level a random walk. Each reliance and movement of the
    level is a Kalman filter of its own; they are averaged by how well each foretold the windows so far. So an estimate
    that moves the wrong way loses its weight, and what is left is the level of the last realised values.

    Parameters
    ----------
    estimates : ndarray of shape (n + 1,), float64
        Estimates of past windows in time order, the first of the reference itself; last, that of the window asked for.
    realised : ndarray of shape (n,), float64
        What was realised; the first entry is the metric on the reference.
    errors : ndarray of shape (n + 1,), float64
        Standard errors of realised values, the last entry one that is expected.
    late : int
        How many windows the one asked for lies after the last realised one.

    References
    ----------
    A. E. Raftery, M. Kárný, P. Ettler, "Online prediction under model uncertainty via dynamic model averaging",
    Technometrics 52, 2010.
    """
    unit = max(float(np.median(errors)), 1e-9)
    variance = np.square(np.maximum(errors, unit / 10))
    reliance = np.repeat(RELIANCE, len(MOVEMENT))
    drift = np.tile(np.square(MOVEMENT * unit), len(RELIANCE))
    weight = np.log(np.tile(PRIOR, len(RELIANCE)))
    level, doubt = realised[0] - reliance * estimates[0], np.full(len(reliance), variance[0])
    for estimate, value, noise in zip(estimates[1:-1], realised[1:], variance[1:-1], strict=True):
        doubt = doubt + drift
        surprise = value - level - reliance * estimate
        spread = doubt + noise
        fit = np.log(spread) / 2 + (FREEDOM + 1) / 2 * np.log1p(np.square(surprise) / spread / FREEDOM)
        weight = FORGET * weight - fit
        level, doubt = level + doubt / spread * surprise, doubt * noise / spread
    weight = np.exp(weight - weight.max())
    scale = np.sqrt(doubt + late * drift + variance[-1])
    return Mixture(weight / weight.sum(), level + reliance * estimates[-1], scale)
