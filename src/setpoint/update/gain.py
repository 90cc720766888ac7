"""What a training should win, with an interval, before it is made; and how earlier receipts correct that."""

import math
from collections.abc import Iterable

from setpoint.domain.receipt import Gain, Receipt
from setpoint.domain.value import value
from setpoint.stats.intervals import t_quantile

LEVEL = 0.9  # of the intervals
# Least squares over four streams, three label delays and 787 looks (bench/update/prior.py); fractions of the loss.
BASE, BY_DECAY, BY_LINE = 0.068, 0.084, -0.195
OFFSET_SD = 0.08  # between models
SPREAD_SD, SPREAD_WEIGHT = 0.24, 6.0  # of one update around its expectation, and how many receipts that weighs
FURTHEST = 1.0  # a gain is the whole loss at most, and a candidate that doubles it does not pass any gate


@value
class Signs:
    """What is known of a champion before a training.

    `decay` is how far its present loss lies above the loss that was proven, as a fraction of the present one. `lined`:
    its answers are recalibrated, which is most of what a training would have won.
    """

    decay: float = 0.0
    lined: bool = False


@value
class Belief:
    """What receipts taught about one model: how far trainings win more than the signs say, and how it scatters."""

    offset: float = 0.0
    offset_sd: float = OFFSET_SD
    spread_sd: float = SPREAD_SD
    weight: float = SPREAD_WEIGHT


def learnt(receipts: Iterable[Receipt]) -> Belief:
    """Return the belief after some receipts, in their order.

    The offset is the random intercept of a linear model, followed by Kalman's recursion: each receipt's surprise moves
    it by the share of the variance that it explains. The scatter is a scaled inverse χ² around the surprises.

    References
    ----------
    A. Gelman et al., "Bayesian Data Analysis", chapters 3 and 15.
    """
    belief = Belief()
    for receipt in receipts:
        stayed = _stayed(receipt)
        if receipt.expected is None or not receipt.realised.rows or stayed <= 0:
            continue
        surprise = _clipped((receipt.realised.mean - receipt.expected.mean) / stayed)
        belief = _after(belief, surprise)
    return belief


def _after(belief: Belief, surprise: float) -> Belief:
    offset, spread = belief.offset_sd**2, belief.spread_sd**2
    pull = offset / (offset + spread)
    squares = surprise**2 * spread / (offset + spread)
    return Belief(
        offset=belief.offset + pull * surprise,
        offset_sd=math.sqrt(offset * (1 - pull)),
        spread_sd=math.sqrt((belief.weight * spread + squares) / (belief.weight + 1)),
        weight=belief.weight + 1,
    )


def expected_gain(signs: Signs, loss: float, belief: Belief) -> Gain:
    """Return what a training should win per row over the champion as it answers now: a mean and its 90 % interval.

    Parameters
    ----------
    loss : float
        The champion's present loss per row, in whose unit the gain is.
    """
    mean = BASE + BY_DECAY * _clipped(signs.decay) + BY_LINE * signs.lined + belief.offset
    sd = math.hypot(belief.offset_sd, belief.spread_sd)
    half = t_quantile(0.5 - LEVEL / 2, belief.weight) * sd
    low, high = max(mean - half, -FURTHEST), min(mean + half, FURTHEST)
    return Gain(mean=loss * mean, low=loss * low, high=loss * high)


def _stayed(receipt: Receipt) -> float:
    """Return the loss of the champion that a candidate met, on the receipt's rows."""
    return receipt.alternatives.get("stay", receipt.loss)


def _clipped(share: float) -> float:
    return min(max(share, -FURTHEST), FURTHEST)
