"""How fast evidence about each metric grows with a row, by the share of the traffic."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from setpoint.deploy.evidence import names
from setpoint.deploy.evidence.scales import NOBODY_MINDS, Scale, loss_scale, rate, value_scale
from setpoint.domain.evidence import Terms
from setpoint.domain.value import value
from setpoint.stats.passage import growth, normal_growth

UNLIKE = 0.6  # standard deviation of the difference of two versions' losses on a row, in that of the losses


@value
class Pace:
    """Of one metric: the evidence that a row adds at a share of the traffic, on average, and what the budget costs."""

    metric: str
    harm: bool
    late: bool
    split: float
    growth: Callable[[float], float]


def paces(terms: Terms) -> Iterator[Pace]:
    """Return how fast an equal version is proven, and how fast one that is worse by the margin is found."""
    margins, frozen = terms.margins, terms.frozen
    soon, late = names.soon(terms), names.late(terms)
    for name, base, margin in (
        (names.ERRORS, frozen.errors, margins.errors),
        (names.VIOLATIONS, frozen.violations, margins.violations),
    ):
        if margin:
            scale = rate(margin)
            yield _pace(name, False, False, 0.0, _rates(base, base, scale.margin, harm=False))
            yield _pace(name, True, False, soon[name], _rates(base, min(base + margin, 1.0), scale.trifle, harm=True))
    for name, quantile in names.LATENCIES.items():
        if margins.latency and frozen.slower.get(quantile):
            base, beyond = 1 - names.QUANTILES[quantile], frozen.slower[quantile]
            yield _pace(name, False, False, 0.0, _rates(base, beyond, 0.0, harm=False))
            slowed = min(base * (base / beyond) ** (1 - NOBODY_MINDS), 1.0)  # as if the tail were a straight line
            yield _pace(name, True, False, soon[name], _rates(base, slowed, 0.0, harm=True))
    for name, scale_of, sd in (
        (names.QUALITY, loss_scale(terms), frozen.loss_sd),
        (names.VALUE, value_scale(terms), frozen.value_sd),
    ):
        if scale_of is not None and scale_of.margin and sd:
            yield _pace(name, False, True, 0.0, _means(scale_of, scale_of.margin, sd))
            yield _pace(name, True, True, late[name], _means(scale_of, scale_of.margin - scale_of.trifle, sd))


def _pace(name: str, harm: bool, late: bool, weight: float, grows: Callable[[float], float]) -> Pace:
    return Pace(metric=name, harm=harm, late=late, split=math.log(2) - weight if harm else 0.0, growth=grows)


def _rates(base: float, new: float, mean: float, *, harm: bool) -> Callable[[float], float]:
    """Return the growth of evidence about two rates: that the difference is above `mean`, or below it."""

    def grows(share: float) -> float:
        if share == 1.0:
            worth, low, high, weight = np.array([1.0, -1.0, 0.0]), -1.0, 1.0, 1.0
            chances = np.array([new * (1 - base), base * (1 - new), 0.0])
        else:
            worth, low, high = np.array([1 / share, -1 / (1 - share), 0.0]), -1 / (1 - share), 1 / share
            chances, weight = np.array([share * new, (1 - share) * base, 0.0]), share * (1 - share)
        chances[2] = 1 - chances.sum()
        if harm:
            return growth(worth, chances, mean=mean, low=low, weight=weight)
        return growth(-worth, chances, mean=-mean, low=-high, weight=weight)

    return grows


def _means(scale: Scale, effect: float, sd: float) -> Callable[[float], float]:
    def grows(share: float) -> float:
        if share == 1.0:
            return normal_growth(effect, UNLIKE * sd, room=scale.top, weight=1 / scale.top)
        spread = share * (1 - share)
        room = max(scale.middle / (1 - share), (scale.top - scale.middle) / share)
        return normal_growth(effect, sd / math.sqrt(spread), room=room, weight=spread / scale.top)

    return grows
