"""Another unit: the map that turns the reference's numbers into the window's."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from setpoint.domain.profile import ColumnProfile
from setpoint.domain.value import value
from setpoint.monitor.changes.curves import Curve, gap

FACTOR = 1.5  # a smaller one is a shift or a scale
SURELY = 3.0  # a factor that is a unit whatever the offset, and wherever the column's middle is
FIT = 0.05  # share of rows that a map may leave unexplained
KNOWN = ((1.8, 32.0), (1 / 1.8, -32 / 1.8), (1.0, 273.15), (1.0, -273.15))  # °C to °F and back, °C to K and back
DECILES = np.linspace(0.05, 0.95, 19)

FloatArray = NDArray[np.float64]


@value
class Map:
    """window = `factor` × reference + `offset`; `gap` is the largest share of rows that it leaves unexplained."""

    factor: float
    offset: float
    gap: float

    def __str__(self) -> str:
        """Return it as a formula."""
        sign = "−" if self.offset < 0 else "+"
        return f"{self.factor:.4g} × the reference" + (f" {sign} {abs(self.offset):.4g}" if self.offset else "")


def unit_of(p: ColumnProfile, w: ColumnProfile, before: Curve, after: Curve, noise: float) -> Map | None:
    """Return the map of a change of unit, if there is one that explains the window.

    Parameters
    ----------
    before, after : Curve
        Of the reference and of the window.
    noise : float
        Share of rows by which two curves of the same distribution may differ at these sizes.
    """
    limit = fit_limit(gap(after, before), noise)
    found = [Map(factor=a, offset=b, gap=gap(after, before, a, b)) for a, b in _candidates(p, w, before, after)]
    fitting = [each for each in found if each.gap <= limit]
    return min(fitting, key=lambda each: (_fitted(each), each.gap), default=None)


def _fitted(found: Map) -> int:
    """Return how many numbers of a map were fitted to the window: the fewer, the better it explains it."""
    return 0 if (found.factor, found.offset) in KNOWN else 1 + bool(found.offset)


def fit_limit(unmapped: float, noise: float) -> float:
    """Return the share of rows that a map may leave unexplained, of what is unexplained without it."""
    return min(max(FIT, noise), 0.5 * unmapped)


def _candidates(p: ColumnProfile, w: ColumnProfile, before: Curve, after: Curve) -> Iterator[tuple[float, float]]:
    """Yield maps that people make, the simplest first."""
    x, y = before.quantile(DECILES), after.quantile(DECILES)
    centred = abs(p.mean) < p.std / 2  # then a wider spread is as good an explanation
    for factor in _ratios(p, w, x, y):
        if abs(math.log(abs(factor))) >= math.log(SURELY if centred else FACTOR):
            yield _rounded(factor), 0.0
    yield from ((a, b) for a, b in KNOWN if _near(w.mean, a * p.mean + b, w.std))
    yield -1.0, 0.0
    factor = _ratio(w.std, p.std)
    moved = abs(w.mean - p.mean) > max(p.std, w.std) / 2
    if factor and abs(math.log(factor)) >= math.log(SURELY) and moved:
        yield factor, w.mean - factor * p.mean


def _ratios(p: ColumnProfile, w: ColumnProfile, x: FloatArray, y: FloatArray) -> Iterator[float]:
    large = (np.abs(x) > 0.1 * np.abs(x).max()) & (y != 0)
    candidates = [_ratio(w.high, p.high), _ratio(w.low, p.low), _ratio(w.std, p.std), _ratio(w.mean, p.mean)]
    if large.any():
        candidates.append(_ratio(float(np.median(y[large] / x[large])), 1.0))
    yield from (factor for factor in candidates if factor)


def _ratio(a: float, b: float) -> float:
    """Return a / b, or 0 where that is no number to multiply by."""
    found = a / b if b else 0.0
    return found if 1e-300 < abs(found) < 1e300 else 0.0


def _rounded(factor: float) -> float:
    """Return the power of ten that a factor is, within a tenth: people convert by round numbers."""
    power = 10.0 ** round(math.log10(abs(factor)))
    return math.copysign(power, factor) if abs(factor / power - 1) < 0.1 else factor


def _near(a: float, b: float, spread: float) -> bool:
    return abs(a - b) < spread
