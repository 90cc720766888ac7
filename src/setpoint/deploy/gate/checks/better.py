"""What has to get better must surely do so: else it waits for more outcomes, as often as it may look."""

import math

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import LOSS, failed, gain_of, passed, waiting
from setpoint.deploy.gate.procedure import Pooled, pooled
from setpoint.deploy.gate.spending import LOOKS, outcomes_needed
from setpoint.deploy.verdict import compared, short
from setpoint.domain.rollout import Decision, GateCheck


def better(case: Case) -> GateCheck:
    """Pass when the lower bound of the gain, at the level of this look, is above zero.

    Pass, too, when it is better on average and candidates made in this way are surely better, see `procedure.pooled`.
    Fail when it is surely no better, or no better on average and surely by less than the margin that may be lost, too;
    when it would take too many outcomes to see a gain of that size; or at the last look.
    """
    rows = int(case.both.sum())
    if not case.enough:
        words = f"{rows} held-out rows with an outcome; {case.min_rows} are needed"
        if case.turn.last:
            return failed("better", f"objective:{LOSS}", words, rows=rows)
        return waiting("better", case.min_rows - rows, words, rows=rows)
    name, found, worth = gain_of(case)
    low, high = found.bounds(case.turn.alpha)
    numbers = {"gain": found.value, "low": low, "high": high, "rows": rows, "look": case.turn.number}
    words = f"{_in_words(name, found.value, low, high)} on {rows} held-out rows"
    if low > 0:
        return passed("better", words, **numbers)
    kind = kin(case)
    if found.value > 0 and kind.proven:
        return passed("better", f"{words}: not surely better, but {kind.in_words}", **numbers, kind_low=kind.low)
    needs = outcomes_needed(max(found.value, worth), found.error()[0], rows, case.turn)
    if high < 0:
        return failed("better", f"objective:{name}", words, **numbers)
    why = _too_late(found.value, high, worth, needs, case)
    if why or needs is None:
        return failed("better", f"objective:{name}", f"{words}: not surely better{why}", **numbers)
    return waiting("better", needs, f"{words}: not surely better; wait for {needs} more outcomes", **numbers)


def kin(case: Case) -> Pooled:
    """Return what this candidate and the earlier ones of its kind won together, in loss."""
    rows = case.both
    losses = case.champion.held.losses[rows], case.candidate.held.losses[rows]
    return pooled((*case.earlier, compared(Decision.WAIT, *losses, (), alpha=case.turn.alpha)))


def _too_late(gain: float, high: float, worth: float, needs: int | None, case: Case) -> str:
    """Return why it is not waited for, in words; empty where it is."""
    if gain <= 0 and high < worth:
        return f", and a gain of {short(worth)} is excluded"
    if case.turn.last:
        return f" after {LOOKS} looks"
    return ", and it would take too many outcomes to tell" if needs is None else ""


def _in_words(name: str, gain: float, low: float, high: float) -> str:
    of = "" if name == LOSS else f" in {name}"
    if gain >= 0:
        return f"the candidate is better by {short(gain)} ({_bound(low)} to {_bound(high)}){of}"
    return f"the candidate is worse by {short(-gain)} ({_bound(-high)} to {_bound(-low)}){of}"


def _bound(number: float) -> str:
    return short(number) if math.isfinite(number) else "?"
