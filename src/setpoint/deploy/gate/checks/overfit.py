"""Good on what it learnt and bad on what came later."""

from setpoint.deploy.gate.case import Case, Side
from setpoint.deploy.gate.paired import failed, no_better, not_applicable, passed
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck

WIDER = 2.0  # times the champion's ratio of held-out to training loss
LEAST = 1e-9


def overfit(case: Case) -> GateCheck:
    """Fail where the candidate is no better, and loses far more than the champion on rows that it did not learn."""
    if case.candidate.learnt is None or case.champion.learnt is None:
        return not_applicable("overfit", "its training rows could not be asked again")
    ours, theirs = _growth(case, case.candidate), _growth(case, case.champion)
    on_training = float(case.candidate.learnt.losses.mean())
    words = (
        f"loss {short(on_training)} on its training rows and {short(_held(case, case.candidate))} on the held-out ones "
        f"(× {short(ours)}; the champion × {short(theirs)})"
    )
    if ours > WIDER * theirs and no_better(case):
        return failed("overfit", "overfit", words, growth=ours, champion=theirs)
    return passed("overfit", words, growth=ours, champion=theirs)


def _growth(case: Case, side: Side) -> float:
    assert side.learnt is not None
    return _held(case, side) / max(float(side.learnt.losses.mean()), LEAST)


def _held(case: Case, side: Side) -> float:
    return float(side.held.losses[case.both].mean())
