"""Whether a column is sent as it was before the fault, so that its repair must be lifted.

A repair that is left in place after the fault does as much harm as the fault did, or more.
"""

from setpoint.domain.feature_map import DoorKind, FeatureMap
from setpoint.domain.records import Records
from setpoint.domain.schema import Schema
from setpoint.maintain.case import as_seen, latest
from setpoint.maintain.joint import fit_joint
from setpoint.maintain.well.by_sign import well_by_sign
from setpoint.maintain.well.by_values import well_by_values
from setpoint.maintain.well.evidence import FEWEST
from setpoint.maintain.well.mapped import well_unmapped


def well_again(
    repair: FeatureMap, recent: Records, healthy: Records, schema: Schema, *, alone: bool = True
) -> tuple[bool, str]:
    """Say whether a repair must be lifted, and by which evidence.

    Every rule asks the newest rows to be 10,000 times likelier as healthy rows than as rows of the fault. A repair was
    put in place because rows were likelier the other way round, so noise around either state cannot meet both.

    Parameters
    ----------
    recent : Records
        Rows since the repair is in place, with the inputs as they were sent.
    healthy : Records
        Rows from before the fault.
    alone : bool
        Whether no other column is suspected now. Where one is, rows must look like healthy ones: a broken column makes
        others look broken, and two that broke in the same way look well to each other.

    Returns
    -------
    well : bool
        False as well where nothing can be told.
    why : str
        The comparison in words.
    """
    if len(recent) < FEWEST:
        return False, f"{len(recent)} records are too few to tell"
    normal = as_seen(latest(healthy), (repair,))
    joint = fit_joint(normal, schema)
    measured = joint is not None and set(repair.changes) <= set(joint.names)
    if measured and any(len(set(recent.inputs[name][-FEWEST:].tolist())) == 1 for name in repair.changes):
        return False, f"{' or '.join(repair.changes)} stands still: a stuck value is no sign of health"
    if not repair.partly and repair.kind in (DoorKind.INVERSE_MAP, DoorKind.SWAP_BACK):
        if joint is not None and measured:
            return well_unmapped(repair, joint, recent, alone=alone)
        return well_by_values(repair, normal, recent)
    return well_by_sign(repair, normal, recent, schema)
