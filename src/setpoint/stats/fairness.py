"""Gaps between the segments of one column: in how many are selected, found, wrongly accused, or mispredicted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from setpoint.stats.quality.measured import FloatArray, Measured, ratio, undefined

FLOOR = 0.1  # a gap of rates that nobody is alarmed at; of a regression's mean error, in outcome standard deviations
FEWEST = 24  # rows that a segment's rate rests on; smaller segments are left out
CLASS_RATES = ("selection_rate", "recall", "false_positive_rate", "mean_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far apart two segments are: the largest difference of a rate, with bounds over all pairs at once."""

    value: float
    low: float
    high: float
    highest: str
    lowest: str
    rates: Mapping[str, float]
    rows: int


def floor_of(y: FloatArray, *, numbers: bool) -> float:
    """Return the gap that nobody is alarmed at: of rates, or in the unit of numeric outcomes."""
    size = float(np.abs(y).max(initial=0.0)) or 1.0  # so that squares of huge outcomes stay finite
    return FLOOR * size * float((y / size).std()) if numbers and len(y) else FLOOR


def rate(of: str, y: FloatArray, score: FloatArray, inside: NDArray[np.bool_], threshold: float) -> Measured:
    """Return a rate of one segment.

    `selection_rate`: decided positive (demographic parity). `recall`, `false_positive_rate`: of the positives and of
    the negatives (equalised odds). `accuracy`: decided right. `mean_error`: predicted minus true (calibration).

    References
    ----------
    M. Hardt, E. Price, N. Srebro, "Equality of opportunity in supervised learning", NeurIPS 2016.
    """
    base = {"recall": y > 0.5, "false_positive_rate": y <= 0.5}.get(of, np.ones(len(y), bool)) & inside
    below = base.astype(np.float64)
    if of == "mean_error":
        with np.errstate(over="ignore", invalid="ignore"):
            found = ratio(below * (score - y), below, why="no row of the segment")
        return found if found.known or found.why else undefined(len(y), "the numbers are too large to compute with")
    yes = score >= threshold
    hits = yes == (y > 0.5) if of == "accuracy" else yes
    return ratio(below * hits, below, counts=True, why="no row of the segment")


def gap(
    of: str, y: FloatArray, score: FloatArray, codes: NDArray[np.int64], names: Sequence[str], *, threshold: float,
    alpha: float = 0.05,
) -> Gap | None:  # fmt: skip
    """Return the largest gap of a rate between segments; None where fewer than two have `FEWEST` rows to rest on.

    Each pair's difference is bounded by its influence values, each side at `alpha` over the number of pairs: the lower
    bound is the best of any pair's, so it passes the true largest gap with probability `alpha` at most.

    Parameters
    ----------
    of : str
        See `rate`.
    codes : ndarray of shape (n,), int64
        Place in `names` of the segment of each row.
    """
    kept = [at for at in range(len(names)) if _rests_on(of, y, codes == at) >= FEWEST]
    rates = {names[at]: rate(of, y, score, codes == at, threshold) for at in kept}
    found = {name: measured for name, measured in rates.items() if measured.known}
    pairs = list(combinations(found, 2))
    if not pairs:
        return None
    bounds = [_difference(found[a], found[b], alpha / len(pairs)) for a, b in pairs]
    highest = max(found, key=lambda name: found[name].value)
    lowest = min(found, key=lambda name: found[name].value)
    return Gap(
        value=found[highest].value - found[lowest].value,
        low=max(0.0, *(low for low, _ in bounds)),
        high=max(high for _, high in bounds),
        highest=highest,
        lowest=lowest,
        rates={name: m.value for name, m in found.items()},
        rows=int(np.isin(codes, kept).sum()),
    )


def _rests_on(of: str, y: FloatArray, inside: NDArray[np.bool_]) -> int:
    return int((inside & {"recall": y > 0.5, "false_positive_rate": y <= 0.5}.get(of, inside)).sum())


def _difference(first: Measured, second: Measured, alpha: float) -> tuple[float, float]:
    """Return the bounds of |first − second|."""
    low, high = Measured(
        value=abs(first.value - second.value),
        psi=first.psi - second.psi,
        grain=math.hypot(first.grain, second.grain),
    ).bounds(alpha)
    return low, high
