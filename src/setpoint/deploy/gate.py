"""The gate that every candidate passes: against the champion on rows neither has learnt from."""

import math

import numpy as np

from setpoint.domain.records import Column
from setpoint.domain.rollout import Decision, Verdict
from setpoint.stats.eprocess import log_evidence
from setpoint.stats.losses import losses
from setpoint.stats.paired import mean_interval, variance_inflation

__all__ = ["in_words", "judge_gate", "judge_shadow", "loss_bound", "losses"]

ALPHA = 0.05
LEVEL = 1 - 2 * ALPHA  # of the two-sided interval whose lower bound alone decides
TOLERATED_FAILURES = 0.001  # share of requests (fraction)
EARLIEST = 50  # labelled rows before a shadow may be judged better or worse


def judge_gate(champion: Column, candidate: Column, dummy: Column | None, *, min_rows: int) -> Verdict:
    """Judge a candidate on held-out rows that came later than anything it learnt from.

    Accepted when the lower bound of the mean gain (one-sided 5 %) lies above zero and the naive answer is beaten;
    rejected when not; WAIT below `min_rows`. One look a candidate: this interval must not be watched.

    Parameters
    ----------
    champion, candidate, dummy : ndarray of shape (n,), float64
        Losses on the same rows in time order. `dummy` are those of a naive answer (last known value, training mean).
    """
    rows = _answered(champion, dummy)
    failed = int(np.isnan(candidate[rows]).sum())
    rows &= ~np.isnan(candidate)
    if failed:
        return _verdict(Decision.REJECT, champion[rows], candidate[rows], (f"no answer on {failed} held-out rows",))
    count = int(rows.sum())
    if count < min_rows:
        words = f"{count} held-out rows with an outcome; {min_rows} are needed"
        return _verdict(Decision.WAIT, champion[rows], candidate[rows], (words,))
    seen = _verdict(Decision.ACCEPT, champion[rows], candidate[rows], ())
    better, words = seen.low > 0, f"{in_words(seen)} on {count} held-out rows"
    checks = [words if better or seen.high < 0 else f"{words}: not surely better"]
    if dummy is not None:
        naive = float(dummy[rows].mean())
        beaten = seen.candidate_loss < naive
        verb = "beats" if beaten else "does not beat"
        checks.append(f"{verb} the naive answer: {_short(seen.candidate_loss)} against {_short(naive)}")
        better &= beaten
    return _verdict(Decision.ACCEPT if better else Decision.REJECT, champion[rows], candidate[rows], tuple(checks))


def loss_bound(past: Column) -> float:
    """Return where a shadow's losses are clipped: the 99.5th percentile of the champion's before it began."""
    past = past[~np.isnan(past)]
    return float(np.quantile(past, 0.995)) if len(past) else math.inf


def judge_shadow(
    champion: Column, candidate: Column, errors: int, expected_rows: int, *, bound: float, margin: float = 0.1
) -> Verdict:
    """Judge a candidate that answers the champion's requests unseen; may be asked after every outcome.

    Rejected as soon as it is surely worse or fails to answer, accepted as soon as it is surely better (both by betting,
    anytime-valid at 5 % each). At `expected_rows` it is decided either way: accepted when its mean gain is above zero
    and the lower bound (one-sided 5 %) excludes a loss of `margin`.

    Parameters
    ----------
    champion, candidate : ndarray of shape (n,), float64
        Losses on the same requests in time order.
    errors : int
        Requests the candidate failed to answer.
    expected_rows : int
        Labelled rows after which it is decided.
    bound : float
        Losses are clipped here; fixed before the shadow began, see `loss_bound`.
    margin : float
        Tolerated loss, as a share of the champion's mean loss (fraction).
    """
    rows = _answered(champion, candidate)
    kept, new = champion[rows], candidate[rows]
    count = len(kept)
    failures = np.concatenate([np.ones(errors), np.zeros(count)])
    if log_evidence(failures, mean=TOLERATED_FAILURES, low=0.0) >= math.log(1 / ALPHA):
        return _verdict(Decision.REJECT, kept, new, (f"failed to answer {errors} of {count + errors} requests",))
    gains = np.minimum(kept, bound) - np.minimum(new, bound)
    inflation = variance_inflation(gains)
    words = f"{in_words(_verdict(Decision.WAIT, kept, new, ()))} on {count} shadowed rows"
    if count >= EARLIEST and bound > 0:
        if _surely_above_zero(-gains, bound, inflation):
            return _verdict(Decision.REJECT, kept, new, (f"{words}: surely worse",))
        if _surely_above_zero(gains, bound, inflation):
            return _verdict(Decision.ACCEPT, kept, new, (f"{words}: surely better",))
    if count < expected_rows:
        return _verdict(Decision.WAIT, kept, new, (f"{words}; decided at {expected_rows}",))
    seen = _verdict(Decision.WAIT, kept, new, ())
    tolerated = margin * seen.champion_loss
    ok = seen.gain > 0 and seen.low > -tolerated
    decision = Decision.ACCEPT if ok else Decision.REJECT
    return _verdict(
        decision, kept, new, (f"{words}: {'not' if ok else 'may be'} worse by {_short(tolerated)} or more",)
    )


def in_words(verdict: Verdict) -> str:
    """Write the comparison: `the candidate is better by 12.3 (9.8 to 14.7)`."""
    if verdict.gain >= 0:
        return f"the candidate is better by {_short(verdict.gain)} ({_short(verdict.low)} to {_short(verdict.high)})"
    return f"the candidate is worse by {_short(-verdict.gain)} ({_short(-verdict.high)} to {_short(-verdict.low)})"


def _surely_above_zero(gains: Column, bound: float, inflation: float) -> bool:
    return log_evidence(gains, mean=0.0, low=-bound, inflation=inflation) >= math.log(1 / ALPHA)


def _answered(first: Column, second: Column | None) -> Column:
    """Return a mask of the rows where both have a loss."""
    mask: Column = ~np.isnan(first)
    return mask if second is None else mask & ~np.isnan(second)


def _verdict(decision: Decision, champion: Column, candidate: Column, checks: tuple[str, ...]) -> Verdict:
    interval = mean_interval(champion - candidate, level=LEVEL)
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


def _short(number: float) -> str:
    return f"{number:,.0f}" if 1_000 <= abs(number) < math.inf else f"{number:.3g}"
