"""Codes and levels that were exchanged: they are well when each column holds what it held on healthy rows."""

from collections import Counter

import numpy as np

from setpoint.domain.feature_map import FeatureMap
from setpoint.domain.records import Column, Columns, Records
from setpoint.domain.repaired import repaired
from setpoint.maintain.case import latest
from setpoint.maintain.loss import Floats
from setpoint.maintain.well.evidence import WELL, worth

STRETCHES = (6, 12, 24, 48, 96, 192)  # newest rows of which one must show it


def well_by_values(repair: FeatureMap, healthy: Columns, recent: Records) -> tuple[bool, str]:
    """Judge by how often healthy rows have the values: as they were sent, and as the repair makes them."""
    newest = latest(recent, STRETCHES[-1])
    mended = repaired(newest.inputs, [repair])
    gain = np.sum(
        [_log_shares(newest.inputs[n], healthy[n]) - _log_shares(mended[n], healthy[n]) for n in repair.changes], axis=0
    )
    nats, rows = max((float(gain[-k:].mean()) * worth(gain[-k:]), k) for k in STRETCHES if k <= len(newest))
    words = f"{' and '.join(repair.changes)} as sent are {nats:+.1f} nats likelier than repaired"
    return nats >= WELL, f"{words} on the newest {rows} records (lifted from {WELL:g})"


def _log_shares(column: Column, healthy: Column) -> Floats:
    """Return the logarithm of each value's share among healthy rows; one that none has counts as half a row."""
    count = Counter(_key(v) for v in healthy.tolist())
    return np.log([(count[_key(v)] or 0.5) / (len(healthy) + 1) for v in column.tolist()])


def _key(value: object) -> object:
    return None if value != value else value  # no NaN equals another
