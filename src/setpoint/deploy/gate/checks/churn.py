"""How many decisions change: told always, for somebody will ask."""

import numpy as np

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import failed, no_better, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task

EXTREME = 0.5  # of the decisions, or mean change of a regression's answers in standard deviations of the truth


def churn(case: Case) -> GateCheck:
    """Fail only where half of the decisions change and nothing gets better."""
    rows = case.both
    old, new = (side.held.take(rows).decided(side.threshold) for side in (case.champion, case.candidate))
    if case.schema.task is Task.REGRESSION:
        old, new = case.champion.held.score[rows], case.candidate.held.score[rows]
        share = float(np.abs(new - old).mean()) / case.spread
        words = f"answers change by {share:.2g} standard deviations of the truth on average"
    else:
        share = float((old != new).mean())
        words = f"{share:.1%} of the decisions change"
    if share > EXTREME and no_better(case):
        return failed("churn", "churn", f"{words}, and nothing gets better", share=share)
    return passed("churn", words, share=share)
