"""What was learnt must be recent, and hold on the latest rows."""

import numpy as np

from setpoint.deploy.gate.case import Case, Learnt
from setpoint.deploy.gate.paired import TOLERATED, failed, not_applicable, passed, surely_better, why_not_asked
from setpoint.domain.rollout import GateCheck
from setpoint.stats.quality import mean

ALPHA = 0.0025
LATEST = 3  # parts of the held-out rows, of which the last is looked at by itself
DELAYS = 5.0  # label delays between the newest row learnt and the held-out ones


def stale(case: Case) -> GateCheck:
    """Fail where the candidate is surely worse on the latest third, or learnt from an old window and is not better."""
    latest = np.flatnonzero(case.both)[-(len(case) // LATEST) :]
    old, new = case.champion.held.losses[latest], case.candidate.held.losses[latest]
    harm = mean(new - old - TOLERATED * old)
    first = case.gains[: len(case) // LATEST]
    if harm.bounds(ALPHA)[0] > 0 and float(first.mean()) > 0:
        words = f"better at first, and worse by {new.mean() / old.mean() - 1:.0%} on the latest third of the rows"
        return failed("stale", "stale", words, worse=float((new - old).mean()))
    if case.learnt is None or case.learnt.time is None or not len(case.learnt.time):
        known = case.learnt is not None and case.learnt.new.any()
        return not_applicable("stale", "its training set has no times" if known else why_not_asked(case))
    gap_s, behind = _gap_s(case, case.learnt)
    newest = np.datetime_as_string(case.learnt.time.max(), unit="m").replace("T", " ")
    if behind and not surely_better(case):
        return failed("stale", "stale", f"its newest training row is of {newest}, {behind}", gap_s=gap_s)
    return passed("stale", f"its newest training row is of {newest}", gap_s=gap_s)


def _gap_s(case: Case, learnt: Learnt) -> tuple[float, str]:
    """Return the time from the newest row learnt to the held-out ones, and in words what is wrong with it, if so."""
    assert learnt.time is not None
    newest, oldest = learnt.time.max(), learnt.time.min()
    second = np.timedelta64(1, "s")
    gap_s = float((case.time.min() - newest) / second)
    delay_s = float(np.median((case.known - case.time) / second))
    if learnt.champion_until is not None and newest < learnt.champion_until:
        return gap_s, "older than what the champion has learnt from"
    if gap_s > max(float((newest - oldest) / second) / 2, DELAYS * max(delay_s, 1.0)):
        return gap_s, f"{gap_s / 86_400:,.1f} days before the held-out rows"
    return gap_s, ""
