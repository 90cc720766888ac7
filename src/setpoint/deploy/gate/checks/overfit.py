"""Good on what it learnt and bad on what came later."""

from setpoint.deploy.gate.case import Case, Side
from setpoint.deploy.gate.paired import failed, no_better, not_applicable, passed, why_not_asked
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck

WIDER = 4.0  # times the champion's ratio of held-out to training loss
LEAST = 1e-9


def overfit(case: Case) -> GateCheck:
    """Fail where the candidate is no better, and loses far more than the champion on rows that it did not learn."""
    ours, theirs = _growth(case, case.candidate), _growth(case, case.champion)
    if ours is None or theirs is None:
        return not_applicable("overfit", why_not_asked(case))
    held, own = float(case.candidate.held.losses[case.both].mean()), case.candidate.fitted
    words = (
        f"loss {short(own or 0.0)} on its training rows and {short(held)} on the held-out ones "
        f"(× {short(ours)}; the champion × {short(theirs)})"
    )
    if ours > WIDER * theirs and no_better(case):
        return failed("overfit", "overfit", words, growth=ours, champion=theirs)
    return passed("overfit", words, growth=ours, champion=theirs)


def _growth(case: Case, side: Side) -> float | None:
    """Return its loss on the held-out rows over that on rows it has learnt from."""
    held = float(side.held.losses[case.both].mean())
    return None if side.fitted is None else held / max(side.fitted, LEAST)
