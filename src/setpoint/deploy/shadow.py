"""The verdict on a candidate in shadow: it may be asked for after every outcome."""

import math

import numpy as np

from setpoint.deploy.verdict import ALPHA, answered, compared, in_words
from setpoint.domain.records import Column
from setpoint.domain.rollout import Decision, Verdict
from setpoint.stats.betting import log_evidence
from setpoint.stats.paired import variance_inflation

TOLERATED_FAILURES = 0.001  # share of requests (fraction)
LATE = 2  # times the rows expected: so many answers without enough outcomes mean that outcomes are late
EARLIEST = 50  # labelled rows before a shadow may be judged better or worse


def loss_bound(past: Column) -> float:
    """Return where a shadow's losses are clipped: the 99.5th percentile of the champion's before it began."""
    past = past[~np.isnan(past)]
    return float(np.quantile(past, 0.995)) if len(past) else math.inf


def judge_shadow(
    champion: Column,
    candidate: Column,
    errors: int,
    expected_rows: int,
    *,
    answers: int,
    bound: float,
) -> Verdict:
    """Judge a candidate that answers the champion's requests unseen; may be asked after every outcome.

    Rejected as soon as it is surely worse or fails to answer, accepted as soon as it is surely better (both by betting,
    anytime-valid at 5 % each). At `expected_rows` it is decided either way: accepted when its mean gain is above zero,
    for the gate has proven it, and so few rows cannot prove it again. Where outcomes come late, it is accepted once it
    has answered twice as many requests, unless what is known speaks against it: waiting for outcomes that are a tenth
    of a stream late cost 4 % of what updates bring (on the real streams of bench/update).

    Parameters
    ----------
    champion, candidate : ndarray of shape (n,), float64
        Losses on the same requests in time order.
    errors : int
        Requests the candidate failed to answer.
    expected_rows : int
        Labelled rows after which it is decided.
    answers : int
        Requests that both have answered, with and without an outcome.
    bound : float
        Losses are clipped here; fixed before the shadow began, see `loss_bound`.
    """
    rows = answered(champion, candidate)
    kept, new = champion[rows], candidate[rows]
    count = len(kept)
    failures = np.concatenate([np.ones(errors), np.zeros(answers)])
    if log_evidence(failures, mean=TOLERATED_FAILURES, low=0.0) >= math.log(1 / ALPHA):
        return compared(Decision.REJECT, kept, new, (f"failed to answer {errors} of {answers + errors} requests",))
    gains = np.minimum(kept, bound) - np.minimum(new, bound)
    inflation = variance_inflation(gains)
    words = f"{in_words(compared(Decision.WAIT, kept, new, ()))} on {count} shadowed rows"
    if count >= EARLIEST and bound > 0:
        if _surely_above_zero(-gains, bound, inflation):
            return compared(Decision.REJECT, kept, new, (f"{words}: surely worse",))
        if _surely_above_zero(gains, bound, inflation):
            return compared(Decision.ACCEPT, kept, new, (f"{words}: surely better",))
    seen = compared(Decision.WAIT, kept, new, ())
    if count < expected_rows:
        against = count >= EARLIEST and seen.gain <= 0
        if answers >= LATE * expected_rows and not against:
            late = f"{answers} requests answered, {count} of them with an outcome yet: the gate's proof stands"
            return compared(Decision.ACCEPT, kept, new, (late,))
        return compared(Decision.WAIT, kept, new, (f"{words}; decided at {expected_rows}",))
    decision = Decision.ACCEPT if seen.gain > 0 else Decision.REJECT
    return compared(decision, kept, new, (f"{words}: {'as' if seen.gain > 0 else 'not as'} the gate had it",))


def _surely_above_zero(gains: Column, bound: float, inflation: float) -> bool:
    return log_evidence(gains, mean=0.0, low=-bound, inflation=inflation) >= math.log(1 / ALPHA)
