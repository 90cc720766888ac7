"""What has to get better must surely do so: else it waits for more outcomes, as often as it may look."""

import math

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import LOSS, failed, gain_of, passed, waiting
from setpoint.deploy.gate.spending import LOOKS, outcomes_needed
from setpoint.deploy.verdict import short
from setpoint.domain.rollout import GateCheck


def better(case: Case) -> GateCheck:
    """Pass when the lower bound of the gain, at the level of this look, is above zero.

    Fail when it is surely or on average no better, when it would take too many outcomes to see, or at the last look.
    """
    rows = int(case.both.sum())
    if not case.enough:
        words = f"{rows} held-out rows with an outcome; {case.min_rows} are needed"
        if case.turn.last:
            return failed("better", f"objective:{LOSS}", words, rows=rows)
        return waiting("better", case.min_rows - rows, words, rows=rows)
    name, found = gain_of(case)
    low, high = found.bounds(case.turn.alpha)
    numbers = {"gain": found.value, "low": low, "high": high, "rows": rows, "look": case.turn.number}
    words = f"{_in_words(name, found.value, low, high)} on {rows} held-out rows"
    if low > 0:
        return passed("better", words, **numbers)
    if high < 0 or found.value <= 0:
        return failed("better", f"objective:{name}", words if high < 0 else f"{words}: not surely better", **numbers)
    needs = outcomes_needed(found.value, found.error()[0], rows, case.turn)
    if needs is None or case.turn.last:
        why = f"after {LOOKS} looks" if case.turn.last else "and it would take too many outcomes to tell"
        return failed("better", f"objective:{name}", f"{words}: not surely better, {why}", **numbers)
    return waiting("better", needs, f"{words}: not surely better; wait for {needs} more outcomes", **numbers)


def _in_words(name: str, gain: float, low: float, high: float) -> str:
    of = "" if name == LOSS else f" in {name}"
    if gain >= 0:
        return f"the candidate is better by {short(gain)} ({_bound(low)} to {_bound(high)}){of}"
    return f"the candidate is worse by {short(-gain)} ({_bound(-high)} to {_bound(-low)}){of}"


def _bound(number: float) -> str:
    return short(number) if math.isfinite(number) else "?"
