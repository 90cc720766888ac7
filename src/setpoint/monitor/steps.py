"""What a step of the mean and of the deviation of a column is: a shift, a scale, or another unit."""

import numpy as np

from setpoint.domain.conversions import CATALOGUE
from setpoint.stats.blocks import Step

FREE = 7.0  # what a shift or a scale costs, in squared standard errors: each has one number to fit
CHOSEN = 4.0  # what a conversion costs: it is one of a short list
RARELY = 3.0  # and one that few people make
LEAST = 12.0  # squared standard errors from which a step needs a name


def step_kind(level: Step, spread: Step, unit: float) -> tuple[str, str]:
    """Return the kind of a step and, of a unit, its conversion; the simplest explanation that leaves least.

    Where the means and the log deviations of single blocks move by themselves, a day of another unit fits no
    distribution of a month. So the step is measured by what blocks foretell: of all maps that people make, undone, the
    one that brings both back.

    Parameters
    ----------
    level : Step
        Of the mean, in units of `unit`.
    spread : Step
        Of the logarithm of the standard deviation in the same units.
    unit : float
        Standard deviation of the reference.
    """
    mean, deviation = (float(s.expected[0] + s.effect[0]) for s in (level, spread))
    if not all(np.isfinite(float(s.se[0])) for s in (level, spread)):
        return "", ""
    left = {("shift", ""): FREE + _squared(spread, deviation), ("scale", ""): FREE + _squared(level, mean)}
    for c in CATALOGUE:
        cost = CHOSEN + (RARELY if c.rare else 0.0)
        undone = _squared(level, c.scale * mean + c.offset / unit)
        left["unit", c.inverse.label] = cost + undone + _squared(spread, deviation + np.log(c.scale))
    if _squared(level, mean) + _squared(spread, deviation) < LEAST:
        return "", ""
    return min(left, key=left.__getitem__)


def _squared(step: Step, value: float) -> float:
    return float(((value - step.expected[0]) / step.se[0]) ** 2)
