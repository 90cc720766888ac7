"""Numbers that were mapped or exchanged: they are well when they are likelier as sent, given the other columns."""

import numpy as np

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.records import Records
from setpoint.maintain.case import latest
from setpoint.maintain.joint import Joint
from setpoint.maintain.loss import Floats
from setpoint.maintain.well.evidence import WELL, enough, worth

NEWEST = (6, 12, 24)  # stretches of newest rows of which one must show it


def well_unmapped(repair: FeatureMap, joint: Joint, recent: Records, *, alone: bool) -> tuple[bool, str]:
    """Judge by the density of healthy rows: of the newest rows as they were sent, and as the repair makes them.

    One stretch must be 10,000 times likelier as sent and look like healthy rows; or so much likelier that the rest of
    the world may have moved on, where no other column is suspected.
    """
    newest = latest(recent, NEWEST[-1])
    z = joint.standardised(newest.inputs)
    sent = joint.turned(z)
    raw = joint.density_at(sent.length)
    gain: Floats = raw - sent.density_with(_mended(repair, joint, z))
    if repair.swap is None:
        gain = gain - np.log(abs(repair.scale))
    nats, rows = max((float(np.median(gain[-k:])) * worth(gain[-k:]), k) for k in NEWEST if k <= len(newest))
    as_, done = " and ".join(repair.changes), "mapped" if repair.swap is None else "exchanged"
    words = (
        f"{as_} as sent {'is' if repair.swap is None else 'are'} {nats:+.1f} nats likelier than {done} on the newest "
        f"{rows} records (lifted from {WELL:g}); log density a row {raw[-rows:].mean():.1f}, healthy "
        f"{joint.floor(rows):.1f} or more"
    )
    return enough(nats, raw[-rows:], joint, alone=alone), words


def _mended(repair: FeatureMap, joint: Joint, z: Floats) -> dict[int, Floats]:
    column = joint.names.index(repair.feature)
    if repair.swap is None:
        return {column: joint.mapped(z, column, repair.scale, repair.offset)}
    return joint.exchanged(z, column, joint.names.index(repair.swap))
