"""From what the checks found to a verdict."""

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.checks import checked
from setpoint.deploy.verdict import compared
from setpoint.domain.rollout import Decision, GateCheck, Holds, Verdict
from setpoint.domain.value import replace

TOLD = ("better", "naive")  # of a candidate that passes


def judge(case: Case) -> Verdict:
    """Judge a candidate by every check.

    Rejected if one fails; else WAIT if one cannot be decided yet, for as many outcomes as the slowest of them needs;
    else accepted. A candidate no better than the champion is accepted in at most 5 % of cases over all its looks (see
    `Turn.alpha`); one that is better and tolerably harmless is rejected by chance by any of the other checks in at most
    3 % (segments 1 %, objectives 1 %, calibration and fairness 0.5 % each, the latest rows 0.25 %).
    """
    judged = checked(case)
    bad = [check for check in judged if check.holds is Holds.FAIL]
    open_ = [check for check in judged if check.holds is Holds.WAIT]
    decision = Decision.REJECT if bad else Decision.WAIT if open_ else Decision.ACCEPT
    told = bad or open_ or [check for check in judged if check.name in TOLD]
    rows = case.both
    seen = compared(
        decision,
        case.champion.held.losses[rows],
        case.candidate.held.losses[rows],
        tuple(check.words for check in told),
        alpha=case.turn.alpha,
    )
    return replace(
        seen, judged=judged, reason=_reason(bad), needs=0 if bad else max((c.needs for c in open_), default=0)
    )


def _reason(bad: list[GateCheck]) -> str:
    return bad[0].reason if bad else ""
