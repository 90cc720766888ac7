"""How far a window's shares are from the reference's: location, scale and shape of binned columns."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]


def bin_scores(shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a location and a scale score for each bin, both standardised on the reference.

    The location score s is the normal score of the bin's mid-rank; the scale score is s² made orthogonal to s.

    Parameters
    ----------
    shares : ndarray of shape (n_bins,), float64
        Shares of the reference, summing to one. Empty outer bins are fine: they score as the extreme ranks.
    """
    rank = np.cumsum(shares) - shares / 2
    s = _standard(special.ndtri(np.clip(rank, 1e-4, 1 - 1e-4)), shares)
    q = np.square(s)
    q = q - s * np.sum(shares * q * s)
    return s, _standard(q, shares)


def _standard(scores: FloatArray, shares: FloatArray) -> FloatArray:
    centred = scores - np.sum(shares * scores)
    spread = np.sqrt(np.sum(shares * np.square(centred)))
    return np.asarray(centred / spread if spread > 0 else np.zeros_like(centred), np.float64)


def kolmogorov_smirnov(window: FloatArray, reference: FloatArray) -> FloatArray:
    """Return the largest gap between two cumulated shares; `window` may hold several windows, one a row."""
    return np.asarray(np.abs(np.cumsum(window - reference, axis=-1)).max(axis=-1), np.float64)


def total_variation(window: FloatArray, reference: FloatArray) -> FloatArray:
    """Return half the summed absolute difference of shares; `window` may hold several windows, one a row."""
    return np.asarray(np.abs(window - reference).sum(axis=-1) / 2, np.float64)


def pooled(window: dict[str, int], reference: dict[str, int], expected: float = 5.0) -> tuple[FloatArray, FloatArray]:
    """Return the shares of both over the levels, rare ones (fewer than `expected` rows in either) in one bin."""
    n, m = max(sum(window.values()), 1), max(sum(reference.values()), 1)
    levels = sorted(set(window) | set(reference))
    w = np.array([window.get(level, 0) for level in levels], np.float64) / n
    p = np.array([reference.get(level, 0) for level in levels], np.float64) / m
    rare = np.maximum(w, p) * min(n, m) < expected
    return np.append(w[~rare], w[rare].sum()), np.append(p[~rare], p[rare].sum())


def expected_variation(shares: FloatArray, n: float, m: float) -> float:
    """Return the total variation that sampling alone brings between n and m independent rows (normal approximation)."""
    return float(np.sqrt(np.maximum(shares * (1 - shares), 0) * (1 / n + 1 / m) / (2 * np.pi)).sum())


def psi(window: FloatArray, reference: FloatArray, least: float = 1e-4) -> float:
    """Return the population stability index of two sets of shares; a share counts as `least` at least."""
    w, p = np.maximum(window, least), np.maximum(reference, least)
    return float(((w - p) * np.log(w / p)).sum())


def jensen_shannon(window: FloatArray, reference: FloatArray) -> float:
    """Return the Jensen–Shannon distance of two sets of shares, 0 to 1 (base 2)."""
    middle = (window + reference) / 2
    divergence = (special.rel_entr(window, middle) + special.rel_entr(reference, middle)).sum() / 2
    return float(np.sqrt(max(divergence / np.log(2), 0.0)))


def wasserstein(window: tuple[FloatArray, FloatArray], reference: tuple[FloatArray, FloatArray]) -> float:
    """Return the area between two distribution functions, each given as rising points and the shares up to them."""
    at = np.union1d(window[0], reference[0])
    gap = np.abs(np.interp(at, *window, left=0.0, right=1.0) - np.interp(at, *reference, left=0.0, right=1.0))
    return float((np.diff(at) * (gap[1:] + gap[:-1]) / 2).sum())
