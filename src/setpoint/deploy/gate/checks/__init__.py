"""One file a check: a pure function from a case to what it found.

The order is that of telling: of several that fail, the first says most about what went wrong. The facts need no
outcome; all others need held-out rows enough. Checks that only explain (`labels`, `stale`, `overfit`, `preprocessing`,
`churn`, `importance`) fail where the candidate is not better, too.
"""

from collections.abc import Callable

from setpoint.deploy.gate.case import Case
from setpoint.deploy.gate.checks.answers import answers
from setpoint.deploy.gate.checks.better import better
from setpoint.deploy.gate.checks.calibration import calibration
from setpoint.deploy.gate.checks.churn import churn
from setpoint.deploy.gate.checks.classes import classes
from setpoint.deploy.gate.checks.cost import latency, memory
from setpoint.deploy.gate.checks.erased import erased
from setpoint.deploy.gate.checks.fairness import fairness
from setpoint.deploy.gate.checks.importance import importance
from setpoint.deploy.gate.checks.labels import labels
from setpoint.deploy.gate.checks.leak import leak
from setpoint.deploy.gate.checks.naive import naive
from setpoint.deploy.gate.checks.objectives import objectives
from setpoint.deploy.gate.checks.overfit import overfit
from setpoint.deploy.gate.checks.poison import poison
from setpoint.deploy.gate.checks.preprocessing import preprocessing
from setpoint.deploy.gate.checks.robustness import robustness
from setpoint.deploy.gate.checks.segment import segment
from setpoint.deploy.gate.checks.stale import stale
from setpoint.domain.rollout import GateCheck

Check = Callable[[Case], GateCheck]

FACTS: tuple[Check, ...] = (erased, leak, labels, poison, answers)
MEASURED: tuple[Check, ...] = (
    *(classes, stale, overfit, segment, preprocessing, calibration, fairness, robustness),
    *(latency, memory, naive, better, churn, importance),
)


def checked(case: Case) -> tuple[GateCheck, ...]:
    """Return what every check found, the most telling kind first; below `min_rows` only the facts are checked."""
    facts = [check(case) for check in FACTS]
    if not case.enough:
        return (*facts, better(case))
    return (*facts, *(check(case) for check in MEASURED), *objectives(case))


__all__ = ["FACTS", "MEASURED", "Check", "checked"]
