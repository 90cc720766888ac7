"""Where the model stands against its set point, for people."""

from setpoint.config.metrics import FAIRNESS, is_quality
from setpoint.domain.fleet import Standing
from setpoint.domain.objective import Objective
from setpoint.monitor.fairness import measured_gap
from setpoint.monitor.quality import in_window, measured
from setpoint.monitor.seen import Seen
from setpoint.monitor.service import service_value
from setpoint.stats.fairness import FEWEST


def standings(seen: Seen) -> tuple[Standing, ...]:
    """Return the value of every objective over its window; None where nothing is known yet."""
    return tuple(_standing(seen, objective) for objective in seen.objectives)


def _standing(seen: Seen, objective: Objective) -> Standing:
    if is_quality(objective.metric):
        return _of_quality(seen, objective)
    if objective.metric in FAIRNESS:
        return _of_gap(seen, objective)
    known = service_value(seen, objective)
    return _stands(objective, *known) if known else _unknown(objective)


def _of_quality(seen: Seen, objective: Objective) -> Standing:
    rows = in_window(seen, objective)
    if not len(rows):
        return _unknown(objective)
    found = measured(seen, objective, rows)
    return _stands(objective, found.value, len(rows)) if found.known else _unknown(objective, len(rows), found.why)


def _of_gap(seen: Seen, objective: Objective) -> Standing:
    rows, found = measured_gap(seen, objective)
    if found is None:
        return _unknown(
            objective, len(rows), f"fewer than two segments have {FEWEST} rows to rest on" if len(rows) else ""
        )
    return _stands(objective, found.value, found.rows)


def _stands(objective: Objective, value: float, rows: int, budget_left: float | None = None) -> Standing:
    met = objective.met_by(value)
    return Standing(objective=objective, value=value, rows=rows, at_set_point=met, budget_left=budget_left)


def _unknown(objective: Objective, rows: int = 0, why: str = "") -> Standing:
    return Standing(objective=objective, value=None, rows=rows, at_set_point=None, why=why)
