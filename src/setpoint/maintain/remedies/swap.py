"""Two columns that callers exchange, exchanged back: in all rows, or in those that are likelier so."""

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.incident import Incident
from setpoint.domain.odds import Odds
from setpoint.domain.records import Columns, Records
from setpoint.domain.repaired import likelier
from setpoint.domain.schema import Schema
from setpoint.domain.value import replace
from setpoint.maintain.case import Case, Score, as_seen, latest
from setpoint.maintain.joint import Joint
from setpoint.maintain.remedies.about import joint_about, ties
from setpoint.maintain.remedies.proof import Proven, fitting, repairable


def swap_repair(
    incident: Incident, case: Case, rows: Records, columns: tuple[str, str], score: Score, *, partly: bool = False
) -> Proven | None:
    """Return the repair that exchanges two columns of one type; `partly`: in the rows that are likelier so."""
    if repairable(case, columns) is None:
        return None
    first, second = columns
    known, since = as_seen(latest(case.healthy), case.maps), as_seen(rows, case.maps)
    odds = odds_of(case.schema, known, since, first, second) if partly else None
    if partly and odds is None:
        return None
    repair = FeatureMap(id=incident.named(".swap"), feature=first, swap=second, odds=odds)
    return fitting(incident, case, score, rows, repair)


def odds_of(schema: Schema, healthy: Columns, since: Columns, first: str, second: str) -> Odds | None:
    """Return what tells the exchanged rows of two measurements, by healthy rows; None where nothing does."""
    joint = joint_about(schema, healthy, (first, second))
    if joint is None:
        return None
    odds = _odds(joint, first, second)
    hit = likelier(odds, since[first], since[second], since)
    return replace(odds, share=float(hit.mean())) if hit.any() else None


def _odds(joint: Joint, first: str, second: str) -> Odds:
    """Return the rule by which an exchange brings a row nearer to the centre of a density."""
    i, j = joint.names.index(first), joint.names.index(second)
    own, theirs, both = (float(joint.precision[a, b]) for a, b in ((i, i), (j, j), (i, j)))
    (a, s), (b, t) = ((float(joint.centre[k]), float(joint.scale[k])) for k in (i, j))
    return Odds(
        base=2 * (theirs * b / t**2 - own * a / s**2 + both * (a - b) / (s * t)),
        level=own / s**2 - theirs / t**2,
        ties=ties(joint, (i, j), 2 * (joint.precision[i] / s - joint.precision[j] / t)),
    )
