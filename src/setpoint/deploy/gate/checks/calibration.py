"""What it says must mean as much as what the champion says."""

from collections.abc import Iterator

import numpy as np

from setpoint.deploy.gate.case import Case, FloatArray, Side
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task
from setpoint.stats.quality import Measured, distance, mean, measure, undefined

ALPHA = 0.005  # shared by the measures
FLOORS = {"calibration_in_the_large": 0.02, "calibration_slope": 0.25, "calibration_error": 0.03}
BIAS, SLOPE = 0.1, 0.15  # of a regression: standard deviations of the truth; of the slope from 1


def calibration(case: Case) -> GateCheck:
    """Fail where one measure is surely beyond its floor and surely worse than the champion's.

    Of classes: probabilities in the large, their slope (Cox 1958) and their error over ten bins; of several classes
    those of the label's own probability. Of a regression: the bias, and the slope of the truth on the prediction.
    """
    found = [(name, floor, old, new) for name, floor, old, new in _measures(case) if old.known and new.known]
    if not found:
        return not_applicable("calibration", "it cannot be measured on these rows")
    alpha = ALPHA / len(found)
    told = "; ".join(f"{name} off by {new.value:.3g}, the champion by {old.value:.3g}" for name, _, old, new in found)
    numbers = {name: new.value for name, _, _, new in found}
    for name, floor, old, new in found:
        worse = Measured(value=new.value - old.value, psi=new.psi - old.psi)
        if new.bounds(alpha)[0] > floor and worse.bounds(alpha)[0] > 0:
            words = f"{name} is off by {new.value:.3g}, the champion's by {old.value:.3g}"
            return failed("calibration", "calibration", words, **numbers)
    return passed("calibration", told, **numbers)


def _measures(case: Case) -> Iterator[tuple[str, float, Measured, Measured]]:
    rows = case.both
    if case.schema.task is Task.REGRESSION:
        y = case.truth[rows]
        scores = [side.held.score[rows] for side in (case.champion, case.candidate)]
        old, new = scores
        yield "bias", BIAS * case.spread, _off(mean(old - y), 0.0), _off(mean(new - y), 0.0)
        yield "slope", SLOPE, _off(_slope(y, old), 1.0), _off(_slope(y, new), 1.0)
        return
    for name, floor in FLOORS.items():
        yield name.replace("_", " "), floor, _of(name, case.champion, case), _of(name, case.candidate, case)


def _of(name: str, side: Side, case: Case) -> Measured:
    held = side.held.take(case.both)
    y = case.truth[case.both] if held.classes is None else np.asarray(held.classes.right, np.float64)
    return distance(name, measure(name, y, held.score))


def _slope(y: FloatArray, score: FloatArray) -> Measured:
    """Return the slope of a least-squares line of the truth on the prediction, with its influence values."""
    centred = score - score.mean()
    power = float(np.square(centred).mean())
    if not power > 0:
        return undefined(len(y), "all predictions are the same")
    slope = float((centred * (y - y.mean())).mean() / power)
    psi = centred * (y - y.mean() - slope * centred) / power
    return Measured(value=slope, psi=np.asarray(psi - psi.mean(), np.float64))


def _off(found: Measured, ideal: float) -> Measured:
    off = found.value - ideal
    return Measured(value=abs(off), psi=found.psi if off >= 0 else -found.psi, why=found.why)
