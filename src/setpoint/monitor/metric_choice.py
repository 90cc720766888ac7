"""Quality metrics to hold: what was measured of each, and the room that its bound leaves."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from setpoint.config.metrics import CATALOGUE, span
from setpoint.domain.classes import Classes
from setpoint.domain.objective import Objective
from setpoint.monitor.metric_reasons import Pick, for_binary, for_classes, for_regression, of_nothing
from setpoint.monitor.quality import terms
from setpoint.stats.quality import Measured, Terms, distance, measure, measure_any

SLACK = 0.2  # room that a bound leaves: of an error itself, of a skill what is above knowing nothing
CHANCE = 0.5  # of a rank metric

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A metric to hold, why it was chosen, what was measured, and the room that its bound leaves.

    `matters` is a change that is to be found: a fifth more than the room, which for a chosen bound is a fifth too.
    """

    metric: str
    why: str
    found: Measured
    room: float
    matters: float
    constant: float = math.inf  # the error of the best constant answer
    top: float | None = None
    season: int | None = None

    @property
    def doubt(self) -> str:
        """What speaks against holding it: it is no better than knowing nothing."""
        if self.metric == "roc_auc" and self.found.bounds(0.025)[0] <= CHANCE:
            return "Not surely better than chance on these rows: look at the model before its limits"
        if self.constant < self.found.value and not self.higher_is_better:
            return f"Worse than always answering the same, which has {self.constant:.4g}: look at the model first"
        return ""

    @property
    def most(self) -> float:
        """How far it can fall at all; infinite where there is no end."""
        least, highest = span(self.metric)
        highest = 1.0 if self.metric == "calibration_in_the_large" else highest  # of two shares
        least = max(least, CHANCE) if self.metric == "roc_auc" else least
        return self.found.value - least if self.higher_is_better else highest - self.found.value

    @property
    def higher_is_better(self) -> bool:
        """Whether the bound is below what was measured."""
        return CATALOGUE[self.metric].better == "higher"

    @property
    def bound(self) -> float:
        """What was measured, with the room left."""
        return self.found.value - self.room if self.higher_is_better else self.found.value + self.room


def choose(
    task: str,
    y: FloatArray,
    score: FloatArray,
    *,
    threshold: float = 0.5,
    every_s: float = 0.0,
    several: Classes | None = None,
) -> tuple[Choice, ...]:
    """Choose quality metrics; the first is the one to hold, the others are worth a look.

    Parameters
    ----------
    task : str
        `binary`, `multiclass` or `regression`.
    y, score : ndarray of shape (n,)
        Outcomes (1.0 and 0.0 of classes) and answers, in time order where that is known.
    threshold : float
        Of the decision.
    every_s : float
        Seconds between rows where they are regular, else 0: hours and days have a season to beat.
    several : Classes, optional
        Of a task of several classes: the classes behind `y`.
    """
    if several is not None:
        wanted = for_classes(several)
    else:
        wanted = for_binary(y, score, threshold) if task == "binary" else for_regression(y, score, every_s)
    return tuple(choice for pick in wanted for choice in _measured(pick, y, score, threshold, several))


def _measured(
    pick: Pick, y: FloatArray, score: FloatArray, threshold: float, several: Classes | None
) -> Iterator[Choice]:
    """Yield a metric with what it is on the rows, if it has a value there."""
    known = Terms(threshold=threshold, top=pick.top or 0.1, season=pick.season or 1)
    found = distance(pick.metric, measure_any(pick.metric, y, score, several, known))
    if found.known:
        leaves = room(pick.metric, found.value, y, score, several)
        yield Choice(
            metric=pick.metric,
            why=pick.why,
            found=found,
            room=leaves,
            matters=2 * leaves,
            top=pick.top,
            season=pick.season,
            constant=_of_constant(pick.metric, y, several),
        )


def chosen_for(
    objectives: Sequence[Objective],
    y: FloatArray,
    score: FloatArray,
    threshold: float,
    several: Classes | None = None,
) -> tuple[tuple[Choice, Objective], ...]:
    """Return the quality objectives of a set point as choices; those without a value on these rows are left out."""
    out = []
    for o in objectives:
        found = distance(o.metric, measure_any(o.metric, y, score, several, terms(o, threshold)))
        if found.known:
            left = found.value - o.target if o.higher_is_better else o.target - found.value
            more = abs(room(o.metric, found.value, y, score, several))
            why = "held by the set point" if left > 0 else "held by the set point, and missed on the reference already"
            choice = Choice(metric=o.metric, why=why, found=found, room=left, matters=max(left, 0) + more, top=o.top,
                            season=o.season)  # fmt: skip
            out.append((choice, o))
    return tuple(out)


def room(metric: str, value: float, y: FloatArray, score: FloatArray, several: Classes | None = None) -> float:
    """Return how much a bound leaves: a fifth of the error, or of the skill above knowing nothing.

    No error bound leaves more than a constant answer would need, where the model is better than that.
    """
    base = float(y.mean())
    nothing = {
        "roc_auc": CHANCE,
        "average_precision": base,
        "precision": base,
        "precision_at_top": base,
        **({} if several is None else of_nothing(several)),
    }.get(metric, 0.0)
    if metric == "calibration_in_the_large":
        return SLACK * min(base, 1 - base)
    if metric == "bias":
        return SLACK * float(np.abs(y - score).mean())
    plain = SLACK * abs(value - nothing)
    constant = _of_constant(metric, y, several)
    return min(plain, constant - value) if constant > value else plain


def _of_constant(metric: str, y: FloatArray, several: Classes | None) -> float:
    """Return the error of the best constant answer; infinite where it is not asked for."""
    if metric not in ("mae", "log_loss", "brier"):
        return math.inf
    if several is not None:
        return float(special.entr(several.shares).sum())
    constant = float(np.median(y) if metric == "mae" else y.mean())
    return measure(metric, y, np.full_like(y, constant)).value
