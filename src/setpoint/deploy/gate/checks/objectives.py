"""No objective may surely be held less well than the champion holds it."""

from setpoint.config.metrics import CATALOGUE, is_quality
from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.paired import (
    LOSS,
    TOLERATED,
    failed,
    improvement,
    loss_gain,
    margin,
    measured,
    not_applicable,
    passed,
    waiting,
)
from setpoint.deploy.verdict import short
from setpoint.domain.objective import Objective
from setpoint.domain.rollout import GateCheck

ALPHA = 0.01  # shared by the loss and the objectives


def objectives(case: Case) -> tuple[GateCheck, ...]:
    """Return a check of the loss, and one a quality objective: each may be worse by its margin, and not surely by more.

    The margin is 5 % of the champion's value, of a share two points.
    """
    stated = [o for o in case.objectives if is_quality(o.metric)]
    alpha = ALPHA / (1 + len(stated))
    return (_loss(case, alpha), *(_objective(case, o, alpha) for o in stated))


def _loss(case: Case, alpha: float) -> GateCheck:
    found, old = loss_gain(case), float(case.champion.held.losses[case.both].mean())
    words = f"mean loss {short(old - found.value)}, {short(old)} before"
    if found.bounds(alpha)[1] < -TOLERATED * old:
        return failed("loss", f"objective:{LOSS}", f"{words}: surely worse", gain=found.value)
    return passed("loss", words, gain=found.value)


def _objective(case: Case, objective: Objective, alpha: float) -> GateCheck:
    if objective.metric not in CATALOGUE:
        return not_applicable(objective.name, "the user's own function is measured when it serves, not here")
    old, new, found = (
        measured(case, case.champion, objective),
        measured(case, case.candidate, objective),
        improvement(case, objective),
    )
    if not found.known:
        return _unknown(case, objective, old.why or new.why or found.why)
    words = f"{objective.name} {short(new.value)}, {short(old.value)} before"
    if found.bounds(alpha)[1] < -margin(objective, old.value):
        return failed(objective.name, f"objective:{objective.metric}", f"{words}: surely worse", value=new.value)
    return passed(objective.name, words, value=new.value, champion=old.value, gain=found.value)


def _unknown(case: Case, objective: Objective, why: str) -> GateCheck:
    """Wait for as many outcomes again where a metric has no value yet; after the last look it cannot be held."""
    if case.turn.last:
        return failed(objective.name, f"objective:{objective.metric}", f"{objective.name} could not be measured: {why}")
    return waiting(objective.name, len(case), f"{objective.name} cannot be measured yet: {why}")
