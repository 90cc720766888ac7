"""Two columns that callers exchange, exchanged back."""

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.incident import Incident
from setpoint.domain.records import Records
from setpoint.maintain.case import Case, Score
from setpoint.maintain.remedies.proof import Proven, fitting, repairable


def swap_repair(incident: Incident, case: Case, rows: Records, columns: tuple[str, str], score: Score) -> Proven | None:
    """Return the repair that exchanges two columns of one type."""
    if repairable(case, columns) is None:
        return None
    first, second = columns
    return fitting(incident, case, score, rows, FeatureMap(id=incident.named(".swap"), feature=first, swap=second))
