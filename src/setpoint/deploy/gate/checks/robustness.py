"""Small changes must not turn the answers, and odd values must not throw them far out."""

import numpy as np

from setpoint.deploy.gate.case import BoolArray, Case, Odd, Side
from setpoint.deploy.gate.paired import failed, not_applicable, passed
from setpoint.domain.rollout import GateCheck
from setpoint.domain.schema import Task

JUMPY, TIMES = 0.2, 5.0  # mean change of the score in its standard deviations; of the champion's
OUT, SHARE = 3.0, 0.05  # ranges of the truth from its middle; of the odd rows


def robustness(case: Case) -> GateCheck:
    """Fail where moving every fraction by a hundredth of its spread turns the answers, or odd values throw them out."""
    ours, theirs = _moved(case, case.candidate), _moved(case, case.champion)
    numbers = {"moved": ours, "champion": theirs}
    words = f"a hundredth more or less of each number moves its answers by {ours:.2g} of their spread"
    if ours > JUMPY and ours > TIMES * theirs:
        return failed("robustness", "robustness", f"{words}, the champion's by {theirs:.2g}", **numbers)
    out = _thrown_out(case)
    if out:
        kind, share = max(out.items(), key=lambda one: one[1])
        told = f"{share:.0%} of the rows with {kind} are answered far beyond all outcomes, where the champion is not"
        return failed("robustness", "robustness", told, share=share, **numbers)
    if not len(case.sample):
        return not_applicable("robustness", "there are no rows")
    return passed("robustness", words, **numbers)


def _moved(case: Case, side: Side) -> float:
    before = side.held.score[case.sample]
    spread = float(np.nanstd(side.held.score)) or 1.0
    change = np.abs(side.nudged - before)
    return float(np.nanmean(change)) / spread if np.isfinite(change).any() else 0.0


def _thrown_out(case: Case) -> dict[str, float]:
    """Return the share of odd rows, by kind, answered far beyond all outcomes and far beyond the champion's answer."""
    if case.schema.task is not Task.REGRESSION:
        return {}
    found = {o.kind: float(_far(case, o).mean()) for o in case.odd}
    return {kind: share for kind, share in found.items() if share > SHARE}


def _far(case: Case, odd: Odd) -> BoolArray:
    middle, reach = float(np.median(case.truth)), float(np.ptp(case.truth)) or 1.0
    ours, theirs = np.abs(odd.candidate - middle), np.abs(odd.champion - middle)
    return (ours > OUT * reach) & (ours > TIMES * np.maximum(theirs, reach))
