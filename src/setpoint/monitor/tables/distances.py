"""Usual distances between two profiles, for those who ask for them."""

import numpy as np

from setpoint.domain.profile import ColumnProfile, Counted
from setpoint.monitor.changes.curves import curve_of
from setpoint.stats.distances import jensen_shannon, kolmogorov_smirnov, psi, total_variation, wasserstein

TENTHS = 10


@np.errstate(over="ignore", invalid="ignore")
def distances(p: ColumnProfile, w: ColumnProfile) -> dict[str, float]:
    """Return PSI, Jensen–Shannon distance and, of numbers, KS and Wasserstein; of levels total variation."""
    if not p.filled or not w.filled or p.cuts.kind == Counted.DATETIME:
        return {}
    if p.cuts.kind in (Counted.CATEGORICAL, Counted.BOOLEAN):
        a, b = _levels(w, p)
        return {
            "psi": psi(a, b),
            "jensen_shannon": jensen_shannon(a, b),
            "total_variation": float(total_variation(a, b)),
        }
    a, b = w.bins / max(w.bins.sum(), 1), p.bins / max(p.bins.sum(), 1)
    found = {"jensen_shannon": jensen_shannon(a, b), "ks": float(kolmogorov_smirnov(a, b)), "psi": psi(*_tenths(a, b))}
    if p.finite and w.finite and 0 < p.std < np.inf:
        x, y = curve_of(w), curve_of(p)
        found["wasserstein"] = wasserstein((x.at, x.share), (y.at, y.share)) / p.std
    return {name: distance for name, distance in found.items() if np.isfinite(distance)}


def _levels(w: ColumnProfile, p: ColumnProfile) -> tuple[np.ndarray, np.ndarray]:
    if p.cuts.kind == Counted.BOOLEAN:
        return w.bins / w.filled, p.bins / p.filled
    levels = sorted(set(p.every_level) | set(w.every_level))
    a, b = (np.array([each.every_level.get(v, 0) for v in levels], np.float64) / each.filled for each in (w, p))
    return a, b


def _tenths(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of both in about ten bins of equal reference shares, as is usual for PSI."""
    tenth = np.minimum(((np.cumsum(b) - b / 2) * TENTHS).astype(int), TENTHS - 1)
    return np.bincount(tenth, a, TENTHS), np.bincount(tenth, b, TENTHS)
