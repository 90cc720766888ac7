"""Champion against candidate on the same rows: the comparison as a value, and in words."""

import math

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.rollout import Decision, Verdict
from setpoint.stats.paired import mean_interval

ALPHA = 0.05
LEVEL = 1 - 2 * ALPHA  # of the two-sided interval whose lower bound alone decides


def in_words(verdict: Verdict) -> str:
    """Write the comparison: `the candidate is better by 12.3 (9.8 to 14.7)`."""
    if verdict.gain >= 0:
        return f"the candidate is better by {short(verdict.gain)} ({short(verdict.low)} to {short(verdict.high)})"
    return f"the candidate is worse by {short(-verdict.gain)} ({short(-verdict.high)} to {short(-verdict.low)})"


def answered(first: Column, second: Column | None) -> Column:
    """Return a mask of the rows where both have a loss."""
    mask: Column = ~np.isnan(first)
    return mask if second is None else mask & ~np.isnan(second)


def compared(
    decision: Decision, champion: Column, candidate: Column, checks: tuple[str, ...], *, alpha: float = ALPHA
) -> Verdict:
    """Return a decision with the mean losses of the same rows, and the gain; each bound is wrong by `alpha`."""
    interval = mean_interval(champion - candidate, level=1 - 2 * alpha)
    most, least = float(champion.max(initial=0.0)), -float(candidate.max(initial=0.0))  # no loss is below zero
    return Verdict(
        decision=decision,
        rows=len(champion),
        champion_loss=float(champion.mean()) if len(champion) else 0.0,
        candidate_loss=float(candidate.mean()) if len(candidate) else 0.0,
        gain=interval.mean,
        low=max(interval.low, least),
        high=min(interval.high, most),
        checks=checks,
    )


def short(number: float) -> str:
    """Write a number in three digits."""
    return f"{number:,.0f}" if 1_000 <= abs(number) < math.inf else f"{number:.3g}"
