"""Two columns that callers exchange, exchanged back."""

from setpoint.domain.feature_map import Apart, FeatureMap
from setpoint.domain.incident import Incident
from setpoint.domain.records import Records
from setpoint.maintain.case import Case, Score
from setpoint.maintain.remedies.proof import Proven, fitting, repairable


def swap_repair(
    incident: Incident,
    case: Case,
    rows: Records,
    columns: tuple[str, str],
    score: Score,
    apart: Apart | None = None,
) -> Proven | None:
    """Return the repair that exchanges two columns of one type, or does so where the first lies outside a range."""
    if repairable(case, columns) is None:
        return None
    first, second = columns
    repair = FeatureMap(id=incident.named(".swap"), feature=first, swap=second, apart=apart)
    return fitting(incident, case, score, rows, repair)
