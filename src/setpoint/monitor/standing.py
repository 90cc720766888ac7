"""Where the model stands against its set point, for people."""

from setpoint.domain.fleet import Standing
from setpoint.domain.objective import Objective
from setpoint.monitor.quality import measured
from setpoint.monitor.seen import Seen
from setpoint.monitor.service import service_value
from setpoint.stats.quality import METRICS


def standings(seen: Seen) -> tuple[Standing, ...]:
    """Return the value of every objective over its window; None where nothing is known yet."""
    return tuple(_standing(seen, objective) for objective in seen.objectives)


def _standing(seen: Seen, objective: Objective) -> Standing:
    if objective.metric in METRICS:
        found = measured(seen, objective)
        known = (found[0], len(found[2])) if found else None
    else:
        known = service_value(seen, objective)
    if known is None:
        return Standing(objective=objective, value=None, rows=0, at_set_point=None)
    value, rows = known
    return Standing(objective=objective, value=value, rows=rows, at_set_point=objective.met_by(value))
