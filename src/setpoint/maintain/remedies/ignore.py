"""A column that is not to be trusted, missing for the model; only where the model takes missing values."""

from setpoint.domain.feature_map import FeatureMap, Instead, Sign
from setpoint.domain.incident import Incident
from setpoint.domain.records import Records
from setpoint.maintain.case import Case, Score
from setpoint.maintain.remedies.proof import Proven, fitting, repairable
from setpoint.maintain.signs import held_value, share_shown


def ignore_repair(
    incident: Incident, case: Case, rows: Records, column: str, score: Score, sign: Sign = Sign.UNLIKE
) -> Proven | None:
    """Return the repair that ignores a column: at the value where it is held, or throughout.

    Missing values are so already, and unknown levels are `levels_repair`'s: for these signs there is none.
    """
    features = repairable(case, [column])
    if features is None or not features[0].nullable or sign in (Sign.MISSING, Sign.UNSEEN):
        return None
    held = held_value(rows.inputs[column]) if sign is Sign.HELD else None
    instead = Instead(
        held=held, everywhere=sign is Sign.UNLIKE, sign=sign, share=share_shown(sign, case, rows, column, held)
    )
    return fitting(
        incident, case, score, rows, FeatureMap(id=incident.named(".ignore"), feature=column, instead=instead)
    )
