"""What it says must mean as much as what the champion says."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from setpoint.deploy.gate.case import BoolArray, Case, FloatArray, Side
from setpoint.deploy.gate.paired import failed, no_better, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task
from setpoint.stats.quality import Measured, mean, measure, undefined

ALPHA = 0.005  # shared by the measures
EXPLAINS = 0.1  # likewise, where the loss is no lower: it is rejected anyway, and this says why
MEASURES = {  # of classes: what would be right, and how far from it nobody minds
    "calibration_in_the_large": (0.0, 0.02),
    "calibration_slope": (1.0, 0.25),
    "calibration_error": (0.0, 0.03),
}
BIAS, SLOPE = 0.1, 0.15  # of a regression: standard deviations of the truth; of the slope from 1


def calibration(case: Case) -> GateCheck:
    """Fail where one measure is surely beyond its floor and surely worse than the champion's.

    Of classes: probabilities in the large, their slope (Cox 1958) and their error over ten bins; of several classes
    those of the label's own probability. Of a regression: the bias, and the slope of the truth on the prediction.
    """
    found = _known(case, case.both)
    if not found:
        return not_applicable("calibration", "it cannot be measured on these rows")
    numbers = {m.name: m.off(m.candidate) for m in found}
    bad = miscalibrated(case, case.both, EXPLAINS if no_better(case) else ALPHA)
    if bad is not None:
        return failed("calibration", "calibration", f"{_in_words(bad)}: it means less", **numbers)
    return passed("calibration", "; ".join(map(_in_words, found)), **numbers)


def miscalibrated(case: Case, rows: BoolArray, alpha: float) -> "Measure | None":
    """Return a measure that is surely beyond its floor, and further than the champion's, on some of the rows."""
    found = _known(case, rows)
    each = alpha / max(len(found), 1)
    return next((m for m in found if _beyond(m, each) and _further(m, each)), None)


def _known(case: Case, rows: BoolArray) -> "list[Measure]":
    return [m for m in _measures(case, rows) if m.champion.known and m.candidate.known]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of both, the value that would be right, and how far from it nobody minds."""

    name: str
    ideal: float
    floor: float
    champion: Measured
    candidate: Measured

    def off(self, found: Measured) -> float:
        return abs(found.value - self.ideal)


def _in_words(m: Measure) -> str:
    return f"{m.name} off by {m.off(m.candidate):.3g}, the champion by {m.off(m.champion):.3g}"


def _beyond(m: Measure, alpha: float) -> bool:
    low, high = m.candidate.bounds(alpha)
    return low > m.ideal + m.floor or high < m.ideal - m.floor


def _further(m: Measure, alpha: float) -> bool:
    """Whether the candidate is surely further off: on the champion's side, or beyond as far on the other.

    The difference of the two is bounded by their paired influence: what the rows share cancels.
    """
    way = 1.0 if m.candidate.value >= m.ideal else -1.0
    shift = Measured(value=way * (m.candidate.value - m.champion.value), psi=way * (m.candidate.psi - m.champion.psi))
    other_side = max(0.0, -way * (m.champion.value - m.ideal))
    return shift.bounds(alpha)[0] > 2 * other_side


def _measures(case: Case, rows: BoolArray) -> Iterator[Measure]:
    sides = (case.champion, case.candidate)
    if case.schema.task is Task.REGRESSION:
        y = case.truth[rows]
        old, new = (side.held.score[rows] for side in sides)
        yield Measure(name="bias", ideal=0.0, floor=BIAS * case.spread, champion=mean(old - y), candidate=mean(new - y))
        yield Measure(name="slope", ideal=1.0, floor=SLOPE, champion=_slope(y, old), candidate=_slope(y, new))
        return
    for name, (ideal, floor) in MEASURES.items():
        first, second = (_of(name, side, case, rows) for side in sides)
        yield Measure(name=name.replace("_", " "), ideal=ideal, floor=floor, champion=first, candidate=second)


def _of(name: str, side: Side, case: Case, rows: BoolArray) -> Measured:
    held = side.held.take(rows)
    y = case.truth[rows] if held.classes is None else np.asarray(held.classes.right, np.float64)
    return measure(name, y, held.score)


def _slope(y: FloatArray, score: FloatArray) -> Measured:
    """Return the slope of a least-squares line of the truth on the prediction, with its influence values."""
    centred = score - score.mean()
    power = float(np.square(centred).mean())
    if not power > 0:
        return undefined(len(y), "all predictions are the same")
    slope = float((centred * (y - y.mean())).mean() / power)
    psi = centred * (y - y.mean() - slope * centred) / power
    return Measured(value=slope, psi=np.asarray(psi - psi.mean(), np.float64))
